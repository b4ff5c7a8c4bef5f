import { closeSync, openSync, readFileSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { FileView, Inspection, Says } from '../../src/words/inspector.ts';
import { listing, temporaryDirectory } from '../support/directory.ts';
import { Listener, listen } from '../support/listener.ts';
import { reportReceipt, say, type At } from '../support/requests.ts';
import { serveChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';

type Look = Inspection & { readonly streams: readonly string[]; readonly pid: number };

async function look({ url }: At, mailbox: string): Promise<Look> {
  const response = await fetch(`${url}/inspect?mailbox=${mailbox}`);
  if (!response.ok) throw new Error(`no look: ${response.status} ${await response.text()}`);
  return (await response.json()) as Look;
}

function bytesOf({ pieces }: FileView): string {
  return Buffer.concat(pieces.map(({ bytes }) => Buffer.from(bytes, 'base64'))).toString();
}

function saidIn(view: FileView | null | undefined): Says[] {
  return (view?.pieces ?? []).map(({ says }) => says);
}

function textsIn(views: readonly FileView[]): string[] {
  return views.flatMap(saidIn).flatMap((says) => (says.kind === 'event' ? [says.text] : []));
}

/** Reads the looks that a stream sends, and resolves to the first one that `isIt` accepts. */
async function lookUntil(stream: Listener, what: string, isIt: (look: Look) => boolean): Promise<Look> {
  return until(what, () =>
    stream.heard
      .filter(({ type }) => type === 'look')
      .map(({ data }) => JSON.parse(data) as Look)
      .find(isIt),
  );
}

const inspect = ({ url }: At, mailbox: string) => listen(`${url}/inspect?mailbox=${mailbox}`, { types: ['look'] });

const MIXED = [
  'data: hi\n\n',
  ': a comment\n\n',
  'data: with\r\ndata: carriage returns\r\n\r\n',
  'not a field\n\n',
  'id: 1763600000000-0\ndata: {"sender":"jjeong","rec\n\n',
  'event: weather\ndata: rain\n\n',
  ': after 5-0\nid: 6-0\ndata: {"sender":"mina","receiver":"henry","key":"k"}\n\n',
  ': after 5-0\nid: 7-0\ndata: {"send\n\n',
  'data: no blank line yet\n',
];

describe('what an inspection shows', () => {
  test('lists the mailboxes of the chat’s people and those that have files', async () => {
    const chat = await serveChat({ people: ['henry', 'jjeong'] });
    chat.writeForeign('mina', 'data: hi\n\n');
    await say(chat, 'jjeong', 'yuna', 'hi');
    writeFileSync(join(chat.dir, 'No Mailbox.txt'), '');

    const answer = await fetch(`${chat.url}/inspect`);

    expect(await answer.json()).toEqual({ mailboxes: ['henry', 'jjeong', 'mina', 'yuna'], dir: chat.dir });
  });

  test('has every waiting byte, with its meaning', async () => {
    const chat = await serveChat();
    const own = await say(chat, 'jjeong', 'henry', '안녕\nhi');
    chat.writeForeign('henry', MIXED.join(''));

    const { file } = await look(chat, 'henry');

    expect(file).toMatchObject({ path: 'henry.txt', size: chat.mailboxText('henry').length + 4 });
    expect(bytesOf(file!)).toBe(chat.mailboxText('henry'));
    expect(saidIn(file)).toEqual([
      { kind: 'event', id: own.id, time: Date.parse(own.time), sender: 'jjeong', text: '안녕\nhi' },
      { kind: 'event', id: `${own.id}.1`, text: 'hi' },
      { kind: 'nothing' },
      { kind: 'event', id: `${own.id}.2`, text: 'with\ncarriage returns' },
      { kind: 'damaged', why: 'no data field' },
      { kind: 'event', id: `${own.id}.3`, text: '{"sender":"jjeong","rec' },
      { kind: 'event', id: `${own.id}.4`, type: 'weather', text: 'rain' },
      { kind: 'damaged', why: 'out of place' },
      { kind: 'damaged', why: 'torn' },
      { kind: 'unfinished', lines: true },
    ]);

    chat.writeForeign('henry', 'data: ha');
    expect(saidIn((await look(chat, 'henry')).file).at(-1)).toEqual({ kind: 'unfinished', lines: false });
  });

  test('has the taken piece, the log, the marks and the cursors once somebody has listened', async () => {
    const chat = await serveChat();
    const fd = openSync(chat.mailboxFile('henry'), 'a');
    writeSync(fd, 'data: hi\n\nnonsense\n\n');
    const page = await listen(`${chat.url}/status?receiver=henry`);
    await page.textsUpTo('hi');
    const { id } = await say(chat, 'jjeong', 'henry', 'hello');
    await page.textsUpTo('hello');
    await reportReceipt(chat, { receiver: 'henry', sender: 'jjeong', read: id });

    const found = await until('the marks, and the take', async () => {
      const now = await look(chat, 'henry');
      return now.marks['read:jjeong'] === id && now.takes[0]?.path.includes('_') ? now : undefined;
    });

    expect(found.file).toMatchObject({ size: 0, pieces: [] });
    const [piece] = found.takes;
    expect(piece!.path).toBe(`.taken/henry/0-0_${id}.txt`);
    expect(bytesOf(piece!)).toBe(readFileSync(join(chat.dir, piece!.path), 'utf8'));
    expect(saidIn(piece)).toEqual([
      { kind: 'event', id: '0-0.1', text: 'hi' },
      { kind: 'damaged', why: 'no data field' },
      { kind: 'event', id, time: expect.any(Number), sender: 'jjeong', text: 'hello' },
      { kind: 'end' },
    ]);
    expect(found.log).toEqual([]);
    expect(found.marks).toMatchObject({ delivered: id });
    expect(found.streams).toEqual([id]);
    expect(found.pid).toBe(process.pid);

    writeSync(fd, 'data: late\n\n');
    closeSync(fd);
    await page.textsUpTo('late');
    const later = await look(chat, 'henry');
    expect(saidIn(later.takes[0]).at(-1)).toEqual({ kind: 'event', isLate: true, text: 'late' });
    const moved = await until('the piece in the log', async () => (await look(chat, 'henry')).log[0], 20_000);
    expect(moved.path).toBe(`.delivered/henry/0-0_${id}.txt`);
  }, 30_000);

  test('has only the newest part of a long file, and only the beginning of a long event', async () => {
    const chat = await serveChat();
    const page = await listen(`${chat.url}/status?receiver=henry`);
    chat.writeForeign('henry', `data: ${'x'.repeat(300_000)}\n\n`);
    await page.textsUpTo('x'.repeat(300_000));
    chat.writeForeign('jjeong', Array.from({ length: 100_000 }, (_, i) => `data: number ${i}\n\n`).join(''));
    chat.writeForeign('jjeong', `data: ${'가'.repeat(700_000)}`);

    await until('the take', async () => (await look(chat, 'henry')).takes[0]?.path.includes('_'));
    const [henrys, jjeongs] = [await look(chat, 'henry'), await look(chat, 'jjeong')];

    const last = henrys.takes.at(-1)!.pieces.at(-2)!; // the last one is the end marker
    expect(Buffer.from(last.last!, 'base64').toString()).toMatch(/^x+\n\n$/);
    expect(last.end - last.from).toBeGreaterThan(300_000);
    expect(saidIn(jjeongs.file)).toEqual([{ kind: 'unfinished', lines: false }]);
    expect(Buffer.from(jjeongs.file!.pieces[0]!.bytes, 'base64').toString()).toMatch(/^[^\ufffd]+$/);
    expect(JSON.stringify([henrys, jjeongs]).length).toBeLessThan(20_000);

    chat.writeForeign('jjeong', '\n\ndata: the newest\n\n');
    const { file } = await look(chat, 'jjeong');
    expect(file!.pieces[0]!.says).toEqual({ kind: 'cut' });
    expect(textsIn([file!])).toEqual(['the newest']);
  });

  test('shows nothing of a file that a link in place of a mailbox points to', async () => {
    const chat = await serveChat();
    const secret = join(temporaryDirectory(), 'secret');
    writeFileSync(secret, 'data: secret\n\n');
    symlinkSync(secret, chat.mailboxFile('henry'));

    const { file } = await look(chat, 'henry');

    expect(file).toMatchObject({ problem: 'notPlain', pieces: [] });
    expect(JSON.stringify(file)).not.toContain(Buffer.from('secret').toString('base64').slice(0, 7));
  });
});

describe('an inspection that stays open', () => {
  test('shows what comes into a mailbox, and that it was taken when somebody listened', async () => {
    const chat = await serveChat();
    const stream = await inspect(chat, 'henry');
    await lookUntil(stream, 'nothing', ({ file }) => file === null);

    chat.writeForeign('henry', 'data: hi\n\n');
    await lookUntil(stream, 'mail that waits', ({ file }) => file !== null && textsIn([file]).includes('hi'));
    await listen(`${chat.url}/status?receiver=henry`);
    const drained = await lookUntil(
      stream,
      'mail in a piece',
      ({ takes, file }) => file?.size === 0 && textsIn(takes).includes('hi'),
    );

    expect(drained.file).toMatchObject({ size: 0 });
    expect(drained.streams).toHaveLength(1);
  });

  test('says nothing while nothing changes', async () => {
    const chat = await serveChat();
    const [first, second] = [await inspect(chat, 'henry'), await inspect(chat, 'jjeong')];

    for (const text of ['one', 'two']) {
      chat.writeForeign('jjeong', `data: ${text}\n\n`);
      await lookUntil(second, text, ({ file }) => file !== null && textsIn([file]).includes(text));
    }

    expect(first.heard.filter(({ type }) => type === 'look')).toHaveLength(1);
  });

  test('is refused with a bye if ten are open', async () => {
    const chat = await serveChat();
    const ten = await Promise.all(Array.from({ length: 10 }, () => inspect(chat, 'henry')));
    for (const stream of ten) await lookUntil(stream, 'a look', () => true);

    const eleventh = new Listener(`${chat.url}/inspect?mailbox=henry`);

    const bye = await until('bye', () => eleventh.heard.find(({ type }) => type === 'bye'));
    expect(JSON.parse(bye.data)).toMatchObject({ reason: 'busy' });
    eleventh.close();
  });

  test('ends when the chat closes', async () => {
    const chat = await serveChat();
    const stream = await inspect(chat, 'henry');
    await lookUntil(stream, 'a look', () => true);

    await chat.stop();

    expect(await until('bye', () => stream.heard.find(({ type }) => type === 'bye'))).toBeDefined();
  });
});

test('inspecting moves no mail, takes no lock and makes no file', async () => {
  const chat = await serveChat();
  chat.writeForeign('henry', MIXED.join(''));
  const before = listing(chat.dir);

  for (const mailbox of ['henry', 'nobody', 'room.lobby']) {
    const stream = await inspect(chat, mailbox);
    await lookUntil(stream, 'a look', () => true);
    for (let i = 0; i < 5; i += 1) await look(chat, mailbox);
    const options = [{ method: 'HEAD' }, { method: 'OPTIONS' }, { headers: { 'Sec-Purpose': 'prefetch' } }];
    for (const option of options) await fetch(`${chat.url}/inspect?mailbox=${mailbox}`, option);
    stream.close();
  }
  await fetch(`${chat.url}/inspect`);
  await fetch(`${chat.url}/inspect.html`);
  const bad = await fetch(`${chat.url}/inspect?mailbox=../henry`);

  expect(bad.status).toBe(400);
  expect(listing(chat.dir)).toEqual(before);
});
