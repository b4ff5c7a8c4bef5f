import { describe, expect, test } from '@jest/globals';
import { help } from '../../src/command/help.ts';
import { type Invocation, readInvocation } from '../../src/command/invocation.ts';
import { OPTION_LIST } from '../../src/command/options.ts';

function read(args: string, env: Record<string, string> = {}): Invocation {
  const invocation = readInvocation(args.split(' ').filter(Boolean), env);
  if (typeof invocation === 'string') throw new Error(`asks for ${invocation}`);
  return invocation;
}

function refusal(args: string, env?: Record<string, string>): unknown {
  try {
    return read(args, env);
  } catch (error) {
    return error;
  }
}

describe('What was asked for', () => {
  test('is to serve, with the documented defaults, when nothing is said', () => {
    const { command, settings } = read('');

    expect(command).toBe('serve');
    expect(settings).toEqual({
      port: 2012,
      host: '127.0.0.1',
      dir: './mailboxes',
      people: ['henry', 'jjeong'],
      open: false,
      admin: false,
      access: 'auto',
      'allowed-host': [],
      'open-to-everyone': false,
      'group-writable': false,
      'send-rate': 50,
      url: '',
      'trust-proxy': false,
      as: '',
      since: 'latest',
      exec: '',
      key: '',
      idle: 30,
      json: false,
      'keep-days': 365,
      'keep-bytes': 1024 ** 3,
      'max-message': 4000,
      metrics: 'off',
      store: 'files',
      'nats-creds': '',
      'nats-prefix': 'MAILBOX',
      'nats-shards': 8,
      'nats-replicas': 3,
      'nats-monitor': [],
      'nats-allow': [],
      'log-level': 'info',
      'log-format': 'auto',
    });
  });

  test('is what a flag says, rather than the environment, rather than the default', () => {
    const env = { PORT: '1', MAILBOX_DIR: '/from/env' };

    const { settings } = read('--port 2', env);

    expect(settings).toMatchObject({ port: 2, dir: '/from/env', people: ['henry', 'jjeong'] });
  });

  test.each([
    ['PORT', '81', { port: 81 }],
    ['HOST', '::1', { host: '::1' }],
    ['MAILBOX_DIR', 'post', { dir: 'post' }],
    ['MAILBOX_PEOPLE', 'Mina, 정', { people: ['mina', '정'] }],
    ['MAILBOX_MAX_MESSAGE', '100', { 'max-message': 100 }],
    ['MAILBOX_KEEP_DAYS', '30', { 'keep-days': 30 }],
    ['MAILBOX_KEEP_BYTES', '500m', { 'keep-bytes': 500 * 1024 ** 2 }],
    ['MAILBOX_TRUST_PROXY', 'true', { 'trust-proxy': true }],
    ['MAILBOX_METRICS', '9464', { metrics: { host: '127.0.0.1', port: 9464 } }],
    ['LOG_LEVEL', 'debug', { 'log-level': 'debug' }],
    ['LOG_FORMAT', 'json', { 'log-format': 'json' }],
  ])('can come from %s', (variable, value, expected) => {
    expect(read('', { [variable]: value }).settings).toMatchObject(expected);
  });

  test('is not changed by an empty variable', () => {
    expect(read('', { PORT: '' }).settings.port).toBe(2012);
  });

  test('tells an explicit port from the default one', () => {
    const explicit = [read('-p 2012'), read('', { PORT: '2012' }), read('')].map(({ isGiven }) => isGiven('port'));

    expect(explicit).toEqual([true, true, false]);
  });

  test('is every interface with a bare --host, and the address with another', () => {
    expect(read('--host').settings.host).toBe('::');
    expect(read('--host --open').settings).toMatchObject({ host: '::', open: true });
    expect(read('--host 127.0.0.2').settings.host).toBe('127.0.0.2');
  });

  test.each([
    ['0', { host: '127.0.0.1', port: 0 }],
    ['0.0.0.0:9464', { host: '0.0.0.0', port: 9464 }],
    ['[::1]:9464', { host: '::1', port: 9464 }],
    ['metrics.example:9464', { host: 'metrics.example', port: 9464 }],
    ['off', 'off'],
  ])('is metrics at %s', (text, place) => {
    expect(read(`--metrics ${text}`).settings.metrics).toEqual(place);
  });

  test('is not troubled by a variable of another command', () => {
    expect(read('tail henry', { PORT: 'http' }).settings.since).toBe('latest');
  });

  test('can be switched off again', () => {
    expect(read('--open --no-open').settings.open).toBe(false);
  });

  test('keeps the words after a command', () => {
    expect(read('send henry hello there --as mina')).toMatchObject({
      command: 'send',
      words: ['henry', 'hello', 'there'],
      settings: { as: 'mina' },
    });
  });
});

describe('A refusal', () => {
  test.each([
    ['--prot 1', "Unknown option '--prot'. Did you mean '--port'?"],
    ['--no-opne', "Unknown option '--no-opne'. Did you mean '--no-open'?"],
    ['--no-prt', "Unknown option '--no-prt'."],
    ['--quite-another', "Unknown option '--quite-another'."],
    ['-x', "Unknown option '-x'."],
    ['srve', "Unknown command 'srve'. Did you mean 'serve'?"],
    ['toString', "Unknown command 'toString'."],
    ['--port', "Option '-p, --port <value>' argument missing."],
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
  ])('of "%s" is a usage error that says why', (args, message) => {
    expect(refusal(args)).toMatchObject({ exitCode: 2, message });
  });

  test('of names that cannot be mailboxes says what can', () => {
    expect(refusal('--people henry,../etc')).toMatchObject({ message: expect.stringContaining('1 to 64 letters') });
  });

  test('of a variable is a configuration error that names the variable', () => {
    const message = "PORT must be a whole number from 0 to 65535, not 'http'.";

    expect(refusal('', { PORT: 'http' })).toMatchObject({ exitCode: 78, message });
  });
});

test('The help shows every option with its variable and default', () => {
  const text = help();

  for (const [name, { env, value, fallback }] of OPTION_LIST) {
    const line = text.split('\n').find((line) => line.includes(`--${name} `));
    expect(line).toContain(env ?? '');
    if (value) expect(line).toContain(fallback);
  }
});
