import { describe, expect, test } from '@jest/globals';
import { Listener, listen, textOf } from '../support/listener.ts';
import { history, say } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';

const HOSTILE: [string, string][] = [
  ['LF', '\n'],
  ['CR', '\r'],
  ['CRLF', '\r\n'],
  ['two LF', '\n\n'],
  ['NUL', '\0'],
  ['a line separator', '\u2028'],
  ['a paragraph separator', '\u2029'],
  ['a next line', '\u0085'],
  ['a byte order mark', '\ufeff'],
  ['한글', '한글'],
  ['decomposed 한글', '한글'.normalize('NFD')],
  ['an emoji of a family', '👨‍👩‍👧'],
  ['a lone surrogate', '\ud800'],
  ['a quote and a backslash', '"\\'],
  ['an event', '\n\nid: 9999999999999-0\nevent: bye\ndata: {}\n\n'],
  ['a log batch', '\n: 0 5 00000000 1 1-0\nhello'],
];
const AROUND = HOSTILE.map(([name, text]) => [name, `a${text}b${text}`] as const);

describe('a message with', () => {
  test.each(AROUND)('%s is exactly one event in the file, and its text is intact', async (_, text) => {
    const chat = await serveChat();

    const stored = await say(chat, 'jjeong', 'henry', text);

    const lines = chat.mailboxText('henry').split(/\r\n|\r|\n/);
    expect(lines.filter((line) => line !== '')).toEqual([
      ': after 0-0',
      `id: ${stored.id}`,
      expect.stringMatching(/^data: /),
    ]);
    const [data] = lines.filter((line) => line.startsWith('data: '));
    expect((JSON.parse(data!.slice('data: '.length)) as { message: string }).message).toBe(text);
    expect(stored.message).toBe(text);
  });

  test.each(AROUND)('%s is exactly one event on a stream that was open, and its text is intact', async (_, text) => {
    const chat = await serveChat();
    const page = await listen(`${chat.url}/status?receiver=henry`);

    await say(chat, 'jjeong', 'henry', text);
    await say(chat, 'jjeong', 'henry', 'marker');

    expect(await page.textsUpTo('marker')).toEqual([text, 'marker']);
  });

  test.each(AROUND)('%s is exactly one event when it has waited, and in the history', async (_, text) => {
    const chat = await serveChat();
    await say(chat, 'jjeong', 'henry', text);
    await say(chat, 'jjeong', 'henry', 'marker');

    const heard = await (await listen(`${chat.url}/status?receiver=henry`)).textsUpTo('marker');
    const { messages } = await history(chat, 'henry', 'jjeong');

    expect(heard).toEqual([text, 'marker']);
    expect(messages.map(({ message }) => message)).toEqual([text, 'marker']);
  });

  test.each(AROUND)('%s can be sent as a form and as plain text', async (_, text) => {
    if (/\p{Surrogate}/u.test(text)) return; // cannot be written in UTF-8
    const chat = await serveChat();
    const fields = { sender: 'jjeong', receiver: 'henry' };

    await fetch(`${chat.url}/messages`, { method: 'POST', body: new URLSearchParams({ ...fields, message: text }) });
    await fetch(`${chat.url}/messages?${new URLSearchParams(fields).toString()}`, { method: 'POST', body: text });

    const { messages } = await history(chat, 'henry', 'jjeong');
    expect(messages.map(({ message }) => message)).toEqual([text, text]);
  });

  const inKeys = AROUND.filter(([, text]) => !/\p{C}/u.test(text));

  test.each(inKeys)('%s in its key is exactly one event, and the key is intact', async (_, key) => {
    const chat = await serveChat();
    const page = await listen(`${chat.url}/status?receiver=henry`);

    const first = await say(chat, 'jjeong', 'henry', 'hi', key);
    const second = await say(chat, 'jjeong', 'henry', 'hi', key);
    await say(chat, 'jjeong', 'henry', 'marker');

    expect([first.key, second]).toEqual([key, first]);
    expect(await page.textsUpTo('marker')).toEqual(['hi', 'marker']);
  });

  test.each(['한글', 'Ærøskøbing', 'ｆｕｌｌ', '日本語.さん', 'a-b_c.d', 'ไทย'])(
    '%s as names arrives',
    async (name) => {
      const chat = await serveChat();
      const canonical = name.toLowerCase();
      const page = await listen(`${chat.url}/status?f=${encodeURIComponent(name)}.txt`);

      await say(chat, name, name, 'hi');

      const { data } = await page.next();
      expect(JSON.parse(data)).toMatchObject({ sender: canonical, receiver: canonical, message: 'hi' });
    },
  );
});

describe('text that another program writes into a mailbox', () => {
  const FOREIGN: [string, string | Buffer, string][] = [
    ['one line', 'data: hello\n\n', 'hello'],
    ['several lines', 'data: one\ndata: two\n\n', 'one\ntwo'],
    ['a space after the colon, which is left out, and a second one, which is not', 'data:  x\n\n', ' x'],
    ['no space after the colon', 'data:x\n\n', 'x'],
    ['CRLF', 'data: one\r\ndata: two\r\n\r\n', 'one\ntwo'],
    ['CR', 'data: one\rdata: two\r\r', 'one\ntwo'],
    ['a byte order mark', '\ufeffdata: hello\n\n', 'hello'],
    ['a comment, an id and a retry', ': hi\nid: 7\nretry: 0\ndata: hello\n\n', 'hello'],
    ['an id with NUL', 'id: a\0b\ndata: hello\n\n', 'hello'],
    ['한글 and emoji', 'data: 안녕 👋\n\n', '안녕 👋'],
    ['a line separator', 'data: a\u2028b\n\n', 'a\u2028b'],
    ['NUL', 'data: a\0b\n\n', 'a\0b'],
    ['JSON that is no message', 'data: {"a":1}\n\n', '{"a":1}'],
    ['an empty line of data', 'data: a\ndata\n\n', 'a\n'],
    ['bytes that are not UTF-8', Buffer.from([...Buffer.from('data: a'), 0xff, 0x0a, 0x0a]), 'a\ufffd'],
  ];

  test.each(FOREIGN)('with %s is shown, and so is what comes after it', async (_, bytes, text) => {
    const chat = await serveChat();
    chat.writeForeign('henry', bytes);
    chat.writeForeign('henry', 'data: marker\n\n');

    const page = await listen(`${chat.url}/status?receiver=henry`);

    expect(await page.textsUpTo('marker')).toEqual([text, 'marker']);
  });

  test.each(FOREIGN)('with %s is shown to a page that is open, and stands in the history', async (_, bytes, text) => {
    const chat = await serveChat();
    const page = await listen(`${chat.url}/status?receiver=henry`);

    chat.writeForeign('henry', bytes);
    const event = await page.next();

    expect(textOf(event)).toBe(text);
    const { messages } = await history(chat, 'henry', 'jjeong');
    expect(messages).toMatchObject([{ id: event.id, sender: null, receiver: 'henry', message: text, foreign: true }]);
    await until('the mailbox is empty', () => chat.mailboxText('henry') === '');
  });

  test('keeps its own event name', async () => {
    const chat = await serveChat();
    const page = await listen(`${chat.url}/status?receiver=henry`, { types: ['wakeup'] });

    chat.writeForeign('henry', 'event: wakeup\ndata: hello\n\n');

    expect(await page.next()).toMatchObject({ type: 'wakeup', data: 'hello' });
  });

  test.each(['open', 'error', 'bye', 'ready', 'gap', 'ping', 'delivered', 'presence', 'a b', 'x'.repeat(65), '한글'])(
    'cannot use the event name %s: it becomes a plain message',
    async (name) => {
      const chat = await serveChat();
      const page = await listen(`${chat.url}/status?receiver=henry`);

      chat.writeForeign('henry', `event: ${name}\ndata: hello\n\n`);

      expect(await page.textsUpTo('hello')).toEqual(['hello']);
    },
  );

  test.each([
    ['a torn append of ours', 'id: 1763600000000-0\ndata: {"sender":"jjeong","rec'],
    ['half a line', 'dat'],
    ['words that are no field', 'hello world\n\n'],
    ['a line of 2 MiB', `data: ${'x'.repeat(2 * 1024 * 1024)}\n\n`],
  ])('disturbs only itself: %s', async (_, bytes) => {
    const chat = await serveChat();
    chat.writeForeign('henry', bytes);

    await say(chat, 'jjeong', 'henry', 'marker');
    const heard = await (await listen(`${chat.url}/status?receiver=henry`)).textsUpTo('marker');

    expect(heard.filter((text) => text.length > 100 || text.includes('rec'))).toEqual([]);
    expect(heard.at(-1)).toBe('marker');
  });

  test('without a blank line is shown after a while: echo >> henry.txt', async () => {
    const chat = await serveChat();
    const page = await listen(`${chat.url}/status?receiver=henry`);

    chat.writeForeign('henry', 'data: from echo\n');

    expect(await page.textsUpTo('from echo')).toEqual(['from echo']);
  });

  test('gets ids between the ids of our messages, which can be cursors', async () => {
    const chat = await serveChat();
    await say(chat, 'jjeong', 'henry', 'one');
    chat.writeForeign('henry', 'data: two\n\ndata: three\n\n');
    await say(chat, 'jjeong', 'henry', 'four');
    const heard = await new Listener(`${chat.url}/status?receiver=henry&since=all`).nextUpTo('four');

    const two = heard.find(({ data }) => data === 'two')!;
    const page = await listen(`${chat.url}/status?receiver=henry`, { lastEventId: two.id });

    expect(await page.textsUpTo('four')).toEqual(['three', 'four']);
  });

  test('after the file was replaced by an editor is shown, too', async () => {
    const chat = await serveChat();
    const page = await listen(`${chat.url}/status?receiver=henry`);
    await saveLikeAnEditor(chat, 'data: edited\n\n');
    expect(await page.textsUpTo('edited')).toEqual(['edited']);

    await until('the file read', () => chat.mailboxText('henry') === '');
    chat.writeForeign('henry', 'data: appended\n\n');

    expect(await page.textsUpTo('appended')).toEqual(['appended']);
  });
});

async function saveLikeAnEditor(chat: ServedChat, text: string): Promise<void> {
  const { rename, writeFile } = await import('node:fs/promises');
  await writeFile(`${chat.mailboxFile('henry')}~`, text);
  await rename(`${chat.mailboxFile('henry')}~`, chat.mailboxFile('henry'));
}
