import { afterEach, describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { createProgram, withCommand } from '../../src/command/program.ts';

const before = { ...process.env };

afterEach(() => {
  process.env = { ...before };
});

interface Asked {
  readonly command: string;
  readonly words: readonly string[];
  readonly values: Readonly<Record<string, unknown>>;
}

/** The options that a command would get. */
function read(line: string, env: Record<string, string> = {}): Asked {
  process.env = { ...env };
  const program = createProgram();
  let asked: Asked | undefined;
  for (const command of program.commands) {
    command.action(() => {
      const values: Record<string, unknown> = command.opts();
      asked = { command: command.name(), words: command.args, values };
    });
  }
  program.parse(withCommand(line.split(' ').filter(Boolean)), { from: 'user' });
  if (!asked) throw new Error('nothing was asked for');
  return asked;
}

function refusal(line: string, env?: Record<string, string>): unknown {
  try {
    return read(line, env);
  } catch (error) {
    return error;
  }
}

describe('The command line', () => {
  test('serves with the documented defaults when it is empty', () => {
    const { command, values } = read('');

    expect(command).toBe('serve');
    expect(values).toEqual({
      port: 2012,
      host: '127.0.0.1',
      dir: './mailboxes',
      people: ['henry', 'jjeong'],
      open: false,
      access: 'auto',
      allowedHost: [],
      openToEveryone: false,
      groupWritable: false,
      sendRate: 50,
      trustProxy: false,
      keepDays: 365,
      keepBytes: 1024 ** 3,
      maxMessage: 4000,
      metrics: 'off',
      store: 'files',
      logLevel: 'info',
      logFormat: 'auto',
    });
  });

  test('prefers a flag to the environment, and the environment to the default', () => {
    const env = { PORT: '1', MAILBOX_DIR: '/from/env' };

    const { values } = read('--port 2', env);

    expect(values).toMatchObject({ port: 2, dir: '/from/env', people: ['henry', 'jjeong'] });
  });

  test.each([
    ['PORT', '81', { port: 81 }],
    ['HOST', '::1', { host: '::1' }],
    ['MAILBOX_DIR', 'post', { dir: 'post' }],
    ['MAILBOX_PEOPLE', 'Mina, 정', { people: ['mina', '정'] }],
    ['MAILBOX_MAX_MESSAGE', '100', { maxMessage: 100 }],
    ['MAILBOX_KEEP_DAYS', '30', { keepDays: 30 }],
    [
      'MAILBOX_ALLOWED_HOST',
      'A.example, b:8443,[::1]:80,fd00::1',
      { allowedHost: ['a.example', 'b:8443', '[::1]:80', 'fd00::1'] },
    ],
    ['MAILBOX_KEEP_BYTES', '500m', { keepBytes: 500 * 1024 ** 2 }],
    ['MAILBOX_TRUST_PROXY', 'true', { trustProxy: true }],
    ['MAILBOX_METRICS', '9464', { metrics: { host: '127.0.0.1', port: 9464 } }],
    ['LOG_LEVEL', 'debug', { logLevel: 'debug' }],
    ['LOG_FORMAT', 'json', { logFormat: 'json' }],
  ])('can be set by %s', (variable, value, expected) => {
    expect(read('', { [variable]: value }).values).toMatchObject(expected);
  });

  test('is not changed by an empty variable', () => {
    expect(read('', { PORT: '', MAILBOX_TRUST_PROXY: '' }).values).toMatchObject({ port: 2012, trustProxy: false });
  });

  test('turns nothing on for a variable that says no, or contrary to a flag', () => {
    expect(read('', { MAILBOX_TRUST_PROXY: 'no' }).values['trustProxy']).toBe(false);
    expect(read('--no-trust-proxy', { MAILBOX_TRUST_PROXY: 'yes' }).values['trustProxy']).toBe(false);
  });

  test('listens on all addresses with a bare --host, and on the given one otherwise', () => {
    expect(read('--host').values['host']).toBe('::');
    expect(read('--host --open').values).toMatchObject({ host: '::', open: true });
    expect(read('--host 127.0.0.2').values['host']).toBe('127.0.0.2');
  });

  test.each([
    ['0', { host: '127.0.0.1', port: 0 }],
    ['0.0.0.0:9464', { host: '0.0.0.0', port: 9464 }],
    ['[::1]:9464', { host: '::1', port: 9464 }],
    ['metrics.example:9464', { host: 'metrics.example', port: 9464 }],
    ['off', 'off'],
  ])('serves metrics at %s', (text, place) => {
    expect(read(`--metrics ${text}`).values['metrics']).toEqual(place);
  });

  test('ignores a variable of another command', () => {
    expect(read('tail henry', { PORT: 'http', MAILBOX_TRUST_PROXY: 'perhaps' }).command).toBe('tail');
  });

  test('can turn an option off again', () => {
    expect(read('--open --no-open').values['open']).toBe(false);
  });

  test('keeps the words that follow a command', () => {
    expect(read('send henry hello there --as mina')).toMatchObject({
      command: 'send',
      words: ['henry', 'hello', 'there'],
      values: { as: 'mina' },
    });
  });
});

describe('A refusal', () => {
  test.each([
    ['--prot 1', "Unknown option '--prot'. Did you mean '--port'?"],
    ['--no-opne', "Unknown option '--no-opne'. Did you mean '--no-open'?"],
    ['--no-prt', "Unknown option '--no-prt'. Did you mean '--no-open' or '--port'?"],
    ['--quite-another', "Unknown option '--quite-another'."],
    ['-x', "Unknown option '-x'."],
    ['srve', "Unknown command 'srve'. Did you mean 'serve'?"],
    ['toString', "Unknown command 'toString'."],
    ['--port', '--port needs <n>.'],
    ['--port 65536', "--port must be a whole number from 0 to 65535, not '65536'."],
    ['--port 0x50', "--port must be a whole number from 0 to 65535, not '0x50'."],
    ...['on', '65536', '::1', ':9464', '127.0.0.1', '127.0.0.1:', 'http://127.0.0.1:9464'].map((text) => [
      `--metrics ${text}`,
      `--metrics must be off or [host:]port with a port from 0 to 65535, not '${text}'.`,
    ]),
    ['--keep-days 0', "--keep-days must be a whole number from 1 to 36500, not '0'."],
    [
      '--keep-bytes 1023K',
      "--keep-bytes must be a size of 1M or more: bytes, or a whole number with K, M or G behind it, not '1023K'.",
    ],
    ['--max-message 0', "--max-message must be a whole number from 1 to 32000, not '0'."],
    ['--log-level loud', "--log-level must be one of debug, info, warn, error, silent, not 'loud'."],
    ['--dir=', "--dir must be a path, not ''."],
    ['--since 1', "'--since' is for 'tail', not for 'serve'."],
    ['tail henry --max-message 5', "'--max-message' is for 'serve' and 'send', not for 'tail'."],
    ['send henry', "'send' needs <who> <text>."],
    ['tail henry jjeong', "'tail' does not take 'jjeong'."],
    ['--dir x send henry hi', "'serve' does not take 'send': put the command first."],
    ['help sned', "Unknown command 'sned'."],
    [
      '--allowed-host https://a.example',
      "--allowed-host must be host names with commas between them, not 'https://a.example'.",
    ],
    ['--allowed-host *', "--allowed-host must be host names with commas between them, not '*'."],
    ['--store mail', '--store must be files, or nats://a,b,c (or tls://): the servers of a NATS cluster.'],
    [
      '--store nats://a?replicas=9',
      "--store is wrong: the parameter 'replicas' must be a whole number from 1 to 5, not '9'.",
    ],
  ])('of "%s" is a usage error that says why', (args, message) => {
    expect(refusal(args)).toMatchObject({ exitCode: 2, message });
  });

  test.each([
    [
      '--open-to-everyone --access links',
      {},
      '--open-to-everyone contradicts --access: with links only the invited get in.',
    ],
    [
      '--open-to-everyone',
      { MAILBOX_ACCESS: 'links' },
      '--open-to-everyone contradicts MAILBOX_ACCESS: with links only the invited get in.',
    ],
    [
      '--open-to-everyone --allowed-host a.example',
      {},
      '--open-to-everyone contradicts --allowed-host: everyone may call the chat by any name.',
    ],
    ['--store nats://a --group-writable', {}, '--store contradicts --group-writable: a cluster has no mailbox files.'],
    [
      '--keep-bytes 2M',
      { MAILBOX_STORE: 'nats://a' },
      'MAILBOX_STORE contradicts --keep-bytes: a cluster keeps mail by its age and number, not its size.',
    ],
    ['--port 9464 --metrics 9464', {}, '--metrics contradicts --port: metrics have a port of their own.'],
  ])('of "%s" with %j names what contradicts what', (line, env, message) => {
    expect(refusal(line, env)).toMatchObject({ exitCode: 2, message });
  });

  test.each([
    ['--open-to-everyone --access open', {}],
    ['--open-to-everyone', { MAILBOX_ALLOWED_HOST: '' }],
    ['--store nats://a', { MAILBOX_GROUP_WRITABLE: 'no' }],
    ['--keep-bytes 2M --group-writable', { MAILBOX_STORE: 'files' }],
    ['--port 0 --metrics 0', {}],
  ])('does not apply to "%s" with %j, which do not contradict each other', (line, env) => {
    expect(read(line, env).command).toBe('serve');
  });

  test('of a store shows no password', () => {
    expect(JSON.stringify(refusal('--store nats://henry:secret@/'))).not.toContain('secret');
    expect(JSON.stringify(refusal('', { MAILBOX_STORE: 'henry:secret@a' }))).not.toContain('secret');
  });

  test('of names that cannot be mailboxes says which names can', () => {
    expect(refusal('--people henry,../etc')).toMatchObject({ message: expect.stringContaining('1 to 64 letters') });
  });

  test('of a variable is a configuration error that names the variable', () => {
    const message = "PORT must be a whole number from 0 to 65535, not 'http'.";

    expect(refusal('', { PORT: 'http' })).toMatchObject({ exitCode: 78, message });
  });

  test.each([
    ['MAILBOX_ACESS', "There is no variable MAILBOX_ACESS. Did you mean 'MAILBOX_ACCESS'?"],
    ['MAILBOX_ALLOWED_HOSTS', "There is no variable MAILBOX_ALLOWED_HOSTS. Did you mean 'MAILBOX_ALLOWED_HOST'?"],
    ['MAILBOX_OPEN_TO_EVERYONE', 'There is no variable MAILBOX_OPEN_TO_EVERYONE.'],
  ])('of the unknown %s says which was probably meant', (variable, message) => {
    for (const line of ['', 'people'])
      expect(refusal(line, { [variable]: 'x' })).toMatchObject({ exitCode: 78, message });
  });

  test('does not apply to variables that Kubernetes sets for a service called mailbox, or to empty ones', () => {
    const service = {
      MAILBOX_SERVICE_HOST: '10.0.0.1',
      MAILBOX_PORT: 'tcp://10.0.0.1:80',
      MAILBOX_PORT_80_TCP_PORT: '80',
    };

    expect(read('', { ...service, MAILBOX_ACESS: '' }).command).toBe('serve');
  });
});

const commands = (): readonly Command[] => createProgram().commands;

describe('The help', () => {
  test.each(commands().map((command) => [command.name(), command] as const))(
    'of %s shows its options, each with its variable and default, and no others',
    (_name, command) => {
      const text = command.helpInformation().replaceAll(/\s+/g, ' ');

      for (const { flags, envVar = '', defaultValueDescription = '' } of command.options) {
        expect(text).toContain(` ${flags} `);
        expect(text).toContain(envVar);
        expect(text).toContain(defaultValueDescription);
      }
      const others = new Set(commands().flatMap(({ options }) => options.map(({ long }) => long!)));
      for (const { long } of command.options) others.delete(long!);
      expect([...others].filter((long) => text.includes(` ${long} `))).toEqual([]);
    },
  );
});
