import { afterEach, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { BIN, cleanUp, run, serve, temporaryDirectory } from './running.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

let other: Server | undefined;

afterEach(async () => {
  other?.close();
  other = undefined;
  await cleanUp();
});

async function anotherProgram(answer: string): Promise<number> {
  other = createServer((_req, res) => res.end(answer));
  await new Promise<void>((resolve) => other?.listen(0, '127.0.0.1', resolve));
  return (other.address() as AddressInfo).port;
}

test('An old Node prints which version is needed', async () => {
  const pretend = join(temporaryDirectory(), 'pretend.cjs');
  writeFileSync(pretend, `Object.defineProperty(process.versions, 'node', { value: '18.20.8' });`);

  const ended = await run([], { nodeArgs: ['--require', pretend] });

  expect(ended).toEqual({
    code: 1,
    stdout: '',
    stderr: '✗ Mailbox Chat needs Node 20.19 or newer; this is 18.20.8.\n',
  });
});

test('A mistyped option ends with 2 and a suggestion', async () => {
  const { code, stderr } = await run(['--prot', '1']);

  expect(code).toBe(2);
  expect(stderr).toBe("✗ Unknown option '--prot'. Did you mean '--port'?\n  See: mailbox-chat --help\n");
});

test('A wrong variable ends with 78', async () => {
  const { code, stderr } = await run([], { env: { PORT: 'http' } });

  expect(code).toBe(78);
  expect(stderr).toContain('✗ PORT must be');
});

test('The help and the version go to stdout', async () => {
  const [help, helpOnHelp, version] = await Promise.all([run(['--help']), run(['help', 'help']), run(['--version'])]);

  expect(help).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Usage: mailbox-chat/), stderr: '' });
  expect(helpOnHelp).toEqual(help);
  expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' });
});

test('--help and help show the options of one command only', async () => {
  const [byFlag, byCommand] = await Promise.all([run(['send', '--help']), run(['help', 'send'])]);

  expect(byFlag).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('--as <name>') });
  expect(byFlag.stdout).not.toContain('--port');
  expect(byCommand).toEqual(byFlag);
});

test('An option that would let everybody in, contrary to another option, ends with 2', async () => {
  const { code, stdout, stderr } = await run(['--host', '0.0.0.0', '--open-to-everyone', '--access', 'links']);

  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain('✗ --open-to-everyone contradicts --access');
});

test('A port that another program uses ends with 1 and says what to try', async () => {
  const port = await anotherProgram('{"name":"something else"}');

  const { code, stdout, stderr } = await run(['--port', String(port)]);

  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toBe(
    `✗ Port ${port} is already in use by another program.\n` +
      `  Try: mailbox-chat --port ${port + 1}        To see which: lsof -i :${port}\n`,
  );
});

test('A second start on the same mailboxes points to the first and ends with 0', async () => {
  const cwd = temporaryDirectory();
  const { port } = await serve([], { cwd });

  const { code, stderr } = await run(['--port', String(port), '--dir', join(cwd, 'mailboxes')], { cwd });

  expect(code).toBe(0);
  expect(stderr).toBe(
    `✗ Port ${port} is already in use.\n` +
      `  Mailbox Chat is already serving ./mailboxes there → http://localhost:${port}/\n`,
  );
});

test('A Mailbox Chat with other mailboxes counts as another program', async () => {
  const { port } = await serve();

  const { code, stderr } = await run(['--port', String(port)]);

  expect(code).toBe(1);
  expect(stderr).toContain('by another program');
});

// Root may write everywhere. So the command runs as nobody, who must be able to read this program.
const asSomebody = isRoot ? { uid: NOBODY } : {};
const canAsk = spawnSync(process.execPath, [BIN, '--version'], asSomebody).status === 0;

(canAsk ? test : test.skip)('A directory that cannot be written ends with 78 and says who must own it', async () => {
  const parent = temporaryDirectory();
  const dir = join(parent, 'mailboxes');
  mkdirSync(dir);
  chmodSync(parent, 0o755);
  chmodSync(dir, 0o555);
  const uid = isRoot ? NOBODY : process.getuid?.();

  const { code, stderr } = await run(['--port', '0', '--dir', dir], asSomebody);

  expect(code).toBe(78);
  expect(stderr).toBe(
    `✗ Can't write to ${dir} (EACCES, running as uid ${uid}).\n` +
      `  Fix: sudo chown -R ${uid} ${dir}   or choose another: --dir ./mailboxes\n`,
  );
});

test('A file in the place of the directory ends with 78', async () => {
  const cwd = temporaryDirectory();
  writeFileSync(join(cwd, 'mailboxes'), '');

  const { code, stderr } = await run(['--port', '0'], { cwd });

  expect(code).toBe(78);
  expect(stderr).toContain("✗ Can't write to ./mailboxes (EEXIST, a file is in its place).");
});

test.each([['--host'], ['--host', '0.0.0.0'], ['--host', 'example.org']])(
  '--access open alone does not open all mail to a network: %s %s',
  async (...args) => {
    const { code, stdout, stderr } = await run(['--port', '0', '--access', 'open', ...args]);

    expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
    expect(stderr).toContain('would let everybody read and write all mail');
    expect(stderr).toContain('--open-to-everyone');
  },
);

const isolated = ['unshare', '--net', '--map-root-user'] as const;
const canIsolate = spawnSync(isolated[0], [...isolated.slice(1), 'true']).status === 0;

(canIsolate ? test : test.skip)('An address that this machine does not have ends with 78', async () => {
  const { code, stderr } = await run(['--port', '0', '--host', '::1'], { through: isolated });

  expect(code).toBe(78);
  expect(stderr).toContain('EADDRNOTAVAIL');
});

test('Only LOG_LEVEL=debug shows where an error happened', async () => {
  const cwd = temporaryDirectory();
  writeFileSync(join(cwd, 'mailboxes'), '');

  const [plain, debug] = await Promise.all([run([], { cwd }), run([], { cwd, env: { LOG_LEVEL: 'debug' } })]);

  expect(plain.stderr).not.toContain('    at ');
  expect(debug.stderr).toContain('    at ');
});
