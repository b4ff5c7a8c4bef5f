import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import { FileMailboxes } from '../../src/index.ts';
import { MAX_FILE_BYTES } from '../../src/words/file-store.ts';
import { bearer, serveLinks } from '../security/kit/links.ts';
import { listing, temporaryDirectory } from '../support/directory.ts';
import { PNG, getFile, postFile, sayWith, sha256Of, storeFile } from '../support/files.ts';
import { history } from '../support/requests.ts';
import { serve, serveChat, type ServedChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';

const SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';

function filesIn({ dir }: Pick<ServedChat, 'dir'>): string[] {
  return readdirSync(join(dir, '.files')).filter((name) => !name.startsWith('.'));
}

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

describe('a file', () => {
  test('comes back as it was stored, with its type by its content', async () => {
    const chat = await serveChat();

    const stored = await storeFile(chat, 'jjeong', 'henry', PNG);
    const answer = await getFile(chat, 'henry', stored.sha256);

    expect(stored).toEqual({ sha256: sha256Of(PNG), bytes: PNG.length, type: 'image/png' });
    expect(answer.headers.get('Content-Type')).toBe('image/png');
    expect(answer.headers.get('Content-Disposition')).toBe('inline');
    expect(await bytesOf(answer)).toEqual(PNG);
  });

  test('is kept once, however often it is stored', async () => {
    const chat = await serveChat();

    for (const receiver of ['henry', 'kim', 'henry']) await storeFile(chat, 'jjeong', receiver, PNG);

    expect(filesIn(chat)).toEqual([sha256Of(PNG)]);
  });

  test('comes in part to a client that asks for a part', async () => {
    const chat = await serveChat();
    const { sha256 } = await storeFile(chat, 'jjeong', 'henry', '0123456789');

    const part = await getFile(chat, 'henry', sha256, { Range: 'bytes=3-5' });
    const beyond = await getFile(chat, 'henry', sha256, { Range: 'bytes=10-' });

    expect([part.status, await part.text()]).toEqual([206, '345']);
    expect([beyond.status, beyond.headers.get('Content-Range')]).toEqual([416, 'bytes */10']);
  });

  test.each([
    ['an image', PNG, 'image/png', 'inline'],
    ['an SVG with a script', Buffer.from(SVG), 'application/octet-stream', 'attachment'],
    ['an HTML page', Buffer.from('<!doctype html><script>alert(1)</script>'), 'application/octet-stream', 'attachment'],
    ['XML', Buffer.from(`<?xml version="1.0"?>${SVG}`), 'application/octet-stream', 'attachment'],
    ['a page that begins like a GIF', Buffer.from('GIF89a/*<script>alert(1)</script>*/'), 'image/gif', 'inline'],
    ['nothing', Buffer.from(''), 'application/octet-stream', 'attachment'],
  ])('that is %s can run nothing in a page', async (_what, content, type, disposition) => {
    const chat = await serveChat();
    const stored = await postFile(chat, 'jjeong', 'henry', content, { 'Content-Type': 'text/html' });

    const answer = await getFile(chat, 'henry', ((await stored.json()) as { sha256: string }).sha256);

    expect(answer.headers.get('Content-Type')).toBe(type);
    expect(answer.headers.get('Content-Disposition')).toBe(disposition);
    expect(answer.headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(answer.headers.get('Content-Security-Policy')).toBe("sandbox; default-src 'none'");
  });

  test('is downloaded under the last part of the name that was asked for, without hidden characters', async () => {
    const chat = await serveChat();
    const { sha256 } = await storeFile(chat, 'jjeong', 'henry', SVG);
    const name = encodeURIComponent('../../etc/사진\u202egpj.exe"\r\nX: y');

    const answer = await fetch(`${chat.url}/files/${sha256}?mailbox=henry&name=${name}`);

    const shown = encodeURIComponent('사진_gpj.exe___X_ y');
    expect(answer.headers.get('Content-Disposition')).toBe(`attachment; filename*=UTF-8''${shown}`);
  });

  test.each(['announced', 'not announced'])('that is too large, with its length %s, is refused', async (length) => {
    const chat = await serveChat();
    const before = listing(chat.dir);
    const asked = request(`${chat.url}/files?sender=jjeong&receiver=henry`, { method: 'POST' });
    asked.on('error', () => {}); // the server takes no more

    if (length === 'not announced') asked.flushHeaders();
    asked.end(Buffer.alloc(MAX_FILE_BYTES + 1));
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];

    expect(answer.statusCode).toBe(413);
    expect(listing(chat.dir)).toEqual(before);
  });

  test('whose connection is cut leaves nothing', async () => {
    const chat = await serveChat();
    const before = listing(chat.dir);
    const asked = request(`${chat.url}/files?sender=jjeong&receiver=henry`, { method: 'POST' });
    asked.on('error', () => {}).write('half of it');
    await until('the draft', () => filesIn(chat).length > 0);

    asked.destroy();

    await until('no draft', () => filesIn(chat).length === 0);
    expect(listing(chat.dir)).toEqual(before);
  });

  test('is refused when all the room for files is used', async () => {
    const dir = temporaryDirectory();
    const chat = await serveChat({ dir, store: new FileMailboxes(dir, { filesBytes: 10_000 }) });
    await storeFile(chat, 'jjeong', 'henry', Buffer.alloc(5000));

    const answer = await postFile(chat, 'jjeong', 'henry', Buffer.alloc(5000, 1));

    expect(answer.status).toBe(507);
    expect(filesIn(chat)).toHaveLength(1);
  });

  test('is found only in the mailboxes that it was stored for', async () => {
    const chat = await serveChat();
    const { sha256 } = await storeFile(chat, 'jjeong', 'henry', PNG);

    const answers = [
      await getFile(chat, 'kim', sha256),
      await getFile(chat, 'henry', sha256Of('made up')),
      await getFile(chat, 'henry', '../henry.txt'),
      await getFile(chat, 'henry', `${sha256}0`),
    ];

    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
  });

  test('passes through a second server on the directory', async () => {
    const dir = temporaryDirectory();
    await serveChat({ dir });
    const second = await serveChat({ dir });
    const content = Buffer.alloc(3_000_000, 7);

    const { sha256 } = await storeFile(second, 'jjeong', 'henry', content);
    const part = await getFile(second, 'henry', sha256, { Range: 'bytes=2999990-' });

    expect(part.status).toBe(206);
    expect(await bytesOf(part)).toEqual(content.subarray(-10));
  });

  test('that is too large is refused through a second server, too, which then closes the connection', async () => {
    const dir = temporaryDirectory();
    await serveChat({ dir });
    const { url } = await serveChat({ dir });
    const asked = request(`${url}/files?sender=jjeong&receiver=henry`, { method: 'POST' });
    asked.on('error', () => {}).write(Buffer.alloc(MAX_FILE_BYTES + 1));

    const [answer] = (await once(asked, 'response')) as [IncomingMessage];

    expect([answer.statusCode, answer.headers.connection]).toEqual([413, 'close']);
  });

  test.each([
    ['in bytes is stored as it is', 'application/octet-stream', 201],
    ['as JSON is refused: it may not be the same any more', 'application/json', 400],
  ])('that the application has read %s', async (_how, type, status) => {
    const chat = await serveChat();
    const app = express().use(express.json(), express.raw(), (req, res, next) => chat.chat(req, res, next));
    const at = await serve(app);

    const answer = await postFile(at, 'jjeong', 'henry', '{"a": 1}', { 'Content-Type': type });

    expect(answer.status).toBe(status);
  });
});

describe('a message with files', () => {
  test('has what the server knows of them, and a safe name', async () => {
    const chat = await serveChat();
    const { sha256 } = await storeFile(chat, 'jjeong', 'henry', PNG);
    const claimed = { name: '../a\u202egpj.png', sha256, type: 'text/html', bytes: 1, width: 640, height: 480 };

    const answer = await sayWith(chat, 'jjeong', 'henry', [claimed]);

    const files = [{ name: 'a_gpj.png', type: 'image/png', bytes: PNG.length, sha256, width: 640, height: 480 }];
    expect([answer.status, await answer.json()]).toEqual([201, expect.objectContaining({ message: '', files })]);
    const { messages } = await history(chat, 'henry', 'jjeong');
    expect(messages).toEqual([expect.objectContaining({ message: '', files })]);
  });

  test('is refused if its sender has not stored them for its receiver', async () => {
    const chat = await serveChat();
    const { sha256 } = await storeFile(chat, 'jjeong', 'henry', PNG);

    const answers = [
      await sayWith(chat, 'jjeong', 'kim', [{ name: 'a.png', sha256 }]),
      await sayWith(chat, 'kim', 'henry', [{ name: 'a.png', sha256 }]),
      await sayWith(chat, 'jjeong', 'henry', [{ name: 'a.png', sha256: sha256Of('made up') }]),
    ];

    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
    expect((await history(chat, 'henry', 'jjeong')).messages).toEqual([]);
  });

  test('can be sent again under its key, and its files in another message', async () => {
    const chat = await serveChat();
    const { sha256 } = await storeFile(chat, 'jjeong', 'henry', PNG);
    const send = (key: string): Promise<Response> =>
      sayWith(chat, 'jjeong', 'henry', [{ name: 'a.png', sha256 }], { key });

    const statuses = [await send('k1'), await send('k1'), await send('k2')].map(({ status }) => status);

    expect(statuses).toEqual([201, 200, 201]);
    expect((await history(chat, 'henry', 'jjeong')).messages).toHaveLength(2);
  });

  test('cannot be replaced by other files under the same key', async () => {
    const chat = await serveChat();
    const files = [await storeFile(chat, 'jjeong', 'henry', PNG), await storeFile(chat, 'jjeong', 'henry', 'a note')];
    const send = ({ sha256 }: { sha256: string }): Promise<Response> =>
      sayWith(chat, 'jjeong', 'henry', [{ name: 'a', sha256 }], { key: 'k1' });

    const statuses = [await send(files[0]!), await send(files[1]!)].map(({ status }) => status);

    expect(statuses).toEqual([201, 409]);
  });

  test('lets its receiver and its sender read them, and nobody else', async () => {
    const chat = await serveLinks();
    const [henry, jjeong, kim] = [chat.keys.henry, chat.keys.jjeong, chat.invite('kim')].map(bearer);
    const stored = await postFile(chat, 'jjeong', 'henry', PNG, jjeong);
    const { sha256 } = (await stored.json()) as { sha256: string };
    await sayWith(chat, 'jjeong', 'henry', [{ name: 'a.png', sha256 }], {}, jjeong);

    const answers = [henry, jjeong, kim].map((credential) => getFile(chat, 'henry', sha256, credential));

    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 404]);
  });
});

describe('a file that another program puts in its place', () => {
  const line = (sha256: string): string =>
    `data: {"sender":"camera","message":"","files":[{"name":"a.png","type":"image/png","bytes":70,"sha256":"${sha256}"}]}\n\n`;

  test('can be read by each person whom it gave the file', async () => {
    const chat = await serveChat();
    for (const receiver of ['henry', 'mina']) {
      const place = join(chat.dir, '.files/.claims', receiver, sha256Of(PNG));
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, `upload-${Date.now()}-1_`), PNG);
      chat.writeForeign(receiver, line(sha256Of(PNG)));
    }
    chat.writeForeign('kim', line(sha256Of(PNG)));

    const answers = await Promise.all(['henry', 'mina', 'kim'].map((who) => getFile(chat, who, sha256Of(PNG))));

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404]);
    expect(await bytesOf(answers[0]!)).toEqual(PNG);
  });

  test('can be read by each person whose mail names it, if it lies there for all', async () => {
    const chat = await serveChat();
    mkdirSync(join(chat.dir, '.files'), { recursive: true });
    writeFileSync(join(chat.dir, '.files', sha256Of(PNG)), PNG);
    for (const receiver of ['henry', 'mina']) chat.writeForeign(receiver, line(sha256Of(PNG)));

    const answers = await Promise.all(['henry', 'mina', 'kim'].map((who) => getFile(chat, who, sha256Of(PNG))));

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404]);
    expect(await bytesOf(answers[1]!)).toEqual(PNG);
  });

  test("does not open somebody else's file to whoever names its hash", async () => {
    const chat = await serveChat();
    await storeFile(chat, 'jjeong', 'henry', PNG);

    chat.writeForeign('kim', line(sha256Of(PNG)));

    expect((await getFile(chat, 'kim', sha256Of(PNG))).status).toBe(404);
  });
});
