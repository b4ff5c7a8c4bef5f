import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { mailboxChat } from '../../src/index.ts';
import { silent } from '../../src/words/logger.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { PACKAGE_DIR, buildPackage } from '../support/built-package.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { listen } from '../support/listener.ts';
import { freePort } from '../support/proxies.ts';
import { say } from '../support/requests.ts';
import { until } from '../support/until.ts';
import { document } from './kit/documents.ts';
import { Shell } from './kit/shell.ts';

beforeAll(buildPackage);

const [head = '', ...frameworks] = document('docs/in-your-app.md')
  .blocks.filter(({ language }) => language === 'js')
  .map(({ code }) => code);

/** A folder of an application that has this package and all others. Its program is `server.mjs`. */
function applicationOf(program: string): string {
  const dir = temporaryDirectory();
  symlinkSync(join(PACKAGE_DIR, 'node_modules'), join(dir, 'node_modules'));
  const app = join(dir, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'server.mjs'), program.replace("'mailbox-chat'", `'${PACKAGE_DIR}dist/index.js'`));
  return app;
}

/** Runs a program. Resolves to its address. */
async function started(program: string): Promise<string> {
  const port = String(await freePort());
  const server = new Shell('node server.mjs', { cwd: applicationOf(program), env: { PORT: port } });
  const url = `http://127.0.0.1:${port}`;
  await Promise.race([
    until('the server', () => fetch(url).catch(() => undefined)),
    server.ended().then((ended) => Promise.reject(new Error(ended.stderr))),
  ]);
  return url;
}

describe('docs/in-your-app.md', () => {
  test.each([
    ['Fastify', 'fastify', 'Route GET:/own not found'],
    ['Koa', 'koa', 'Not Found'],
    ['Hono', 'hono', '404 Not Found'],
  ])('mounts the chat in %s', async (_, module, notFound) => {
    const mount = frameworks.find((code) => code.includes(`from '${module}'`));
    const host = await started(`${head}\n${mount}`);
    const chat = { url: `${host}/chat` };
    const page = await fetch(chat.url);
    const henry = await listen(`${chat.url}/status?receiver=henry`);

    await say(chat, 'jjeong', 'henry', '안녕');

    expect(await henry.textsUpTo('안녕')).toEqual(['안녕']);
    expect([page.status, page.url]).toEqual([200, `${chat.url}/`]);
    for (const path of ['/own', '/chatter']) {
      const own = await fetch(host + path);
      expect([own.status, await own.text()]).toEqual([404, expect.stringContaining(notFound.replace('/own', path))]);
    }
  });

  test('answers mail of any length, of the bot itself, and without a sender', async () => {
    const app = applicationOf(document('docs/in-your-app.md').blocks.find(({ language }) => language === 'ts')!.code);
    const chat = mailboxChat({ dir: join(app, 'mailboxes'), logger: silent });
    afterThisTest(() => chat.close());
    appendFileSync(join(app, 'mailboxes/bot.txt'), 'data: from a file\n\n');
    for (const [from, text] of [
      ['bot', 'a note'],
      ['jjeong', 'x'.repeat(4000)],
      ['jjeong', 'hi'],
    ] as const)
      await chat.send({ from, to: 'bot', text });

    const program = new Shell('node server.mjs', { cwd: app });
    const answers: string[] = [];
    const answered = async () => {
      for await (const { message } of chat.mail('jjeong')) if (answers.push(message) === 2) return;
    };
    await Promise.race([answered(), program.ended().then((ended) => Promise.reject(new Error(ended.stderr)))]);

    expect(answers).toEqual(['You wrote 4000 characters.', 'You wrote 2 characters.']);
  });
});
