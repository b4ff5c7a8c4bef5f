import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { listen } from '../support/listener.ts';
import { requires } from '../support/requires.ts';
import { say } from '../support/requests.ts';
import { serveChat } from '../support/serve-chat.ts';
import { block } from './kit/documents.ts';
import { examples, runExample } from './kit/examples.ts';
import { OpenApi, PROBLEMS } from './kit/openapi.ts';
import { Shell } from './kit/shell.ts';

const PATH = 'docs/http-api.md';
const ADDRESS = 'http://localhost:2012';

describe('docs/http-api.md', () => {
  requires('curl')('has commands that print what it shows, one after the other', async () => {
    const chat = await serveChat();
    const cwd = temporaryDirectory();

    for (const example of examples(PATH, ['sh'])) await runExample(example, { cwd }, { [ADDRESS]: chat.url });
  });

  test('has a script that gets what was said, and the end', async () => {
    const chat = await serveChat();
    await say(chat, 'jjeong', 'henry', 'hi');
    const { code } = block(PATH, `const source = new EventSource('${ADDRESS}/status?receiver=henry&since=all');`);
    const eventSource = import.meta.resolve('eventsource');
    const script = join(temporaryDirectory(), 'page.mjs');
    writeFileSync(script, `import { EventSource } from '${eventSource}';\n${code.replaceAll(ADDRESS, chat.url)}`);

    const page = new Shell(`'${process.execPath}' ${script}`, { cwd: temporaryDirectory() });
    await page.printed(/^\d+-0 \{"sender":"jjeong",.*"message":"hi"/m);
    await chat.chat.close();

    await page.printed(/^until later \{"reason":"shutdown"/m);
  });

  test('lists every problem with its status', () => {
    const listed = rowsOf(/^\| (\d+) \| `(\w+)` \|/gm).map(([status, code]) => [code, Number(status)]);

    expect(Object.fromEntries(listed)).toEqual(PROBLEMS);
  });

  test('lists every event of a stream', () => {
    const listed = rowsOf(/^\| ((?:`\w+`(?:, )?)+) \| (?:\{|as )/gm).flatMap(([names]) => names!.match(/\w+/g)!);

    const kinds = Object.keys(new OpenApi().events('GET /status', 'text/event-stream'));
    expect([...listed, 'message'].toSorted()).toEqual(kinds.toSorted());
  });

  test('lists every request', () => {
    const reference = readFileSync(join(PACKAGE_DIR, PATH), 'utf8');

    for (const operation of new OpenApi().operations.map((each) => each.replace(/\/\{.*/, ''))) {
      const [, path] = operation.split(' ');
      expect(reference).toMatch(new RegExp(`\`(?:${operation}|${path})\\b`));
    }
  });

  test('gives every listener all of a mailbox', async () => {
    const chat = await serveChat();
    const listeners = await Promise.all([1, 2].map(() => listen(`${chat.url}/status?receiver=henry`)));

    await say(chat, 'jjeong', 'henry', 'hi');

    for (const listener of listeners) expect(await listener.textsUpTo('hi')).toEqual(['hi']);
  });

  test.each([
    [400, 'no HTTP at all\r\n\r\n'],
    [431, `GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(17_000)}\r\n\r\n`],
  ])('says that a malformed request gets %i without a body', async (status, request) => {
    const { url } = await serveChat();

    const answer = await exchange(new URL(url), request);

    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*\\r\\n\\r\\n$`));
  });
});

/** Everything that arrives before the connection closes. */
async function exchange({ hostname, port }: URL, request: string): Promise<string> {
  const socket = connect(Number(port), hostname);
  socket.end(request);
  return text(socket);
}

function rowsOf(row: RegExp): string[][] {
  return Array.from(readFileSync(join(PACKAGE_DIR, PATH), 'utf8').matchAll(row), ([, ...cells]) => cells);
}
