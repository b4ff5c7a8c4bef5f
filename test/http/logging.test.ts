import { execFile } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import { PACKAGE_DIR, buildPackage } from '../support/built-package.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { listen } from '../support/listener.ts';
import { history, say } from '../support/requests.ts';
import { serveChat } from '../support/serve-chat.ts';

/** A host application's pino, at its default level, and the lines that it has written. */
function hostLogger(): { logger: pino.Logger; lines: () => Record<string, unknown>[] } {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const lines = (): Record<string, unknown>[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { logger: pino(stream), lines };
}

test("A host application's pino logs what went wrong, and not what people write", async () => {
  const { logger, lines } = hostLogger();
  const chat = await serveChat({ logger });
  symlinkSync('/etc/hostname', chat.mailboxFile('henry'));

  await expect(say(chat, 'jjeong', 'henry', 'nightingale')).rejects.toThrow('503');

  expect(lines()).toContainEqual(expect.objectContaining({ level: 40, code: 'MAILBOX_UNUSABLE' }));
  expect(JSON.stringify(lines())).not.toContain('nightingale');
});

test('Success logs nothing', async () => {
  const { logger, lines } = hostLogger();
  const chat = await serveChat({ logger });

  const page = await listen(`${chat.url}/status?receiver=henry`);
  await say(chat, 'jjeong', 'henry', 'hi');
  await page.textsUpTo('hi');
  await history(chat, 'henry', 'jjeong');
  page.close();
  await chat.stop();

  expect(lines()).toEqual([]);
});

describe('without a logger', () => {
  /**
   * Sends a request to a chat in its own process, which has no option but `identify`. Resolves to the answer and stderr.
   */
  async function ask(identify: string): Promise<{ status: number; body: string; stderr: string }> {
    buildPackage();
    const script = `
      import { createServer } from 'node:http';
      import { mailboxChat } from ${JSON.stringify(`${PACKAGE_DIR}dist/index.js`)};
      const chat = mailboxChat({ dir: process.argv[1], identify: ${identify} });
      const server = createServer(chat).listen(0, '127.0.0.1', async () => {
        const url = 'http://127.0.0.1:' + server.address().port + '/history?receiver=ann&sender=ben';
        const answer = await fetch(url);
        console.log(JSON.stringify({ status: answer.status, body: await answer.text() }));
        await chat.close();
        server.close();
        server.closeAllConnections();
      });
    `;
    const args = ['--input-type=module', '-e', script, temporaryDirectory()];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    return { ...(JSON.parse(stdout) as { status: number; body: string }), stderr };
  }

  test.each([
    ['throws', "function whoAsks() { throw new Error('the session store is away') }"],
    ['rejects', "async function whoAsks() { throw new Error('the session store is away') }"],
  ])('a login that %s is reported once on stderr, with its stack, and not to the client', async (_, identify) => {
    const { status, body, stderr } = await ask(identify);

    expect(status).toBe(503);
    expect(body).toContain('Its log says why');
    expect(body).not.toContain('session store');
    expect(stderr.match(/the session store is away/g)).toHaveLength(1);
    expect(stderr).toMatch(/Error: the session store is away\n +at .*whoAsks/);
  });

  test('for a login whose names cannot be mailboxes, stderr says which names can and how to make one; the client is not told', async () => {
    const { status, body, stderr } = await ask("() => 'ann@example.com'");

    expect(status).toBe(503);
    expect(body).not.toMatch(/ann|identify/);
    expect(stderr).toMatch(/identify gave "ann@example.com".*Use 1 to 64 letters, digits, "-" or "_"/);
    const [, from, to] = /req\.user\?\.email\.replace\('(.+)', '(.+)'\)/.exec(stderr)!;
    expect(mailboxName('ann@example.com'.replace(from!, to!))).toBe('ann_at_example.com');
  });

  test.each(['42', "({ name: 'ann', password: 'hunter2' })"])(
    'a login that gives %s is told that this is not a name',
    async (value) => {
      const { status, stderr } = await ask(`() => (${value})`);

      expect(status).toBe(503);
      expect(stderr).toMatch(/identify gave a value of type (number|object)\./);
      expect(stderr).not.toContain('hunter2');
    },
  );

  test('text that JSON.parse quotes in its error appears nowhere', async () => {
    const { status, stderr } = await ask("() => JSON.parse('nightingale')");

    expect(status).toBe(503);
    expect(stderr).toMatch(/SyntaxError\n +at JSON\.parse/);
    expect(stderr).not.toContain('nightingale');
  });
});
