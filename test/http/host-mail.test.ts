import { describe, expect, test } from '@jest/globals';
import {
  FileMailboxes,
  mailboxChat,
  type MailboxChat,
  type MessageToSend,
  type ReceivedMail,
} from '../../src/index.ts';
import { silent } from '../../src/words/logger.ts';
import type { MailboxName } from '../../src/words/mailbox-name.ts';
import type { Batch } from '../../src/words/mailbox-store.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { listen } from '../support/listener.ts';
import { history, say } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { inTime, until } from '../support/until.ts';

function postJson(url: string, body: object): Promise<Response> {
  const headers = { 'Content-Type': 'application/json' };
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
}

/** A second chat on the directory, which passes requests on. */
function beside({ dir }: { readonly dir: string }): MailboxChat {
  const chat = mailboxChat({ dir, logger: silent });
  afterThisTest(() => chat.close());
  return chat;
}

/** The mail that comes, up to and including the one with this text. */
async function upTo(last: string, mails: AsyncIterable<ReceivedMail>): Promise<ReceivedMail[]> {
  const seen: ReceivedMail[] = [];
  for await (const mail of mails) {
    seen.push(mail);
    if (mail.message === last) break;
  }
  return seen;
}

async function textsUpTo(last: string, mails: AsyncIterable<ReceivedMail>): Promise<string[]> {
  return (await inTime(`the mail ${last}`, upTo(last, mails))).map(({ message }) => message);
}

const named = (prefix: string): string[] => Array.from({ length: 30 }, (_, i) => `${prefix} ${i}`);

describe.each<[string, (served: ServedChat) => MailboxChat]>([
  ['owns the mailboxes', ({ chat }) => chat],
  ['passes on to their owner', beside],
])('an application whose chat %s', (_, chatOf) => {
  test('sends like POST /messages: to open pages, to the disk, and once for each key', async () => {
    const served = await serveChat();
    const chat = chatOf(served);
    const page = await listen(`${served.url}/status?receiver=henry`);
    const message = { from: 'jjeong', to: 'Henry', text: '안녕\u2028hi', key: 'k1' };

    const sent = await chat.send(message);
    const again = await chat.send(message);
    await chat.send({ from: 'jjeong', to: 'henry', text: 'end' });

    expect(await page.textsUpTo('end')).toEqual(['안녕\u2028hi', 'end']);
    expect(again).toEqual(sent);
    expect(sent).toEqual(await say(served, 'jjeong', 'henry', '안녕\u2028hi', 'k1'));
  });

  test.each<[string, Partial<Record<keyof MessageToSend, unknown>>]>([
    ['an empty text', { text: '' }],
    ['a long text', { text: 'a'.repeat(4001) }],
    ['no name', { from: '../x' }],
    ['a room that sends', { from: 'room.lobby' }],
    ['a key of control characters', { key: '\n' }],
    ['a used key', { key: 'used' }],
    ['a number', { text: 42 }],
  ])('gets the error of POST /messages for %s', async (_name, wrong) => {
    const served = await serveChat();
    const { from, to, text, key } = { from: 'jjeong', to: 'henry', text: 'hi', key: undefined, ...wrong };
    await say(served, 'jjeong', 'henry', 'other', 'used');
    const posted = await postJson(`${served.url}/messages`, { sender: from, receiver: to, message: text, key });

    const sending = chatOf(served).send({ from, to, text, key } as MessageToSend);

    const { error } = (await posted.json()) as { error: string };
    await expect(sending).rejects.toMatchObject({ name: 'MailboxError', code: error });
  });

  test('gets messages alone, and of one that was edited before, the text of the edit', async () => {
    const served = await serveChat();
    const chat = chatOf(served);
    const { id: of } = await chat.send({ from: 'jjeong', to: 'henry', text: 'one' });
    const write = (fields: object, type = 'message'): void =>
      served.writeForeign('henry', `event: ${type}\ndata: ${JSON.stringify({ sender: 'jjeong', ...fields })}\n\n`);
    const erased = { message: '', time: '', key: 'k' };
    write({ of, emoji: '👍' }, 'react');
    write({ of, message: 'x' }, 'edit');
    write(erased);
    write(erased);
    const ids = (await history(served, 'henry', 'jjeong')).messages.map(({ id }) => id);
    write({ ...erased, of: ids[1], message: 'two' }, 'edit');
    write({ of: ids[2] }, 'remove');
    await chat.send({ from: 'jjeong', to: 'henry', text: 'end' });

    expect(await textsUpTo('end', chat.mail('henry'))).toEqual(['one', 'two', 'end']);
  });

  test('gets a message as it is when the loop asks for it, once, also after a restart, and none that was removed', async () => {
    const served = await serveChat();
    const chat = chatOf(served);
    const change = (event: string, of: string | undefined, message?: string): Promise<unknown> =>
      postJson(`${served.url}/messages`, { sender: 'jjeong', receiver: 'henry', event, of, message });
    const ids: string[] = [];
    for (const text of ['one', 'two', 'three', 'four', 'five'])
      ids.push((await chat.send({ from: 'jjeong', to: 'henry', text })).id);
    await change('edit', ids[0], 'one, edited');
    await change('remove', ids[1]);

    const mails = chat.mail('henry');
    const first = await inTime('the first mail', mails.next());
    await change('edit', ids[2], 'three, edited');
    await change('remove', ids[3]);
    const third = await inTime('the third mail', mails.next());
    await mails.return!();
    const again = await inTime('five', upTo('five', chat.mail('henry')));

    expect(first.value).toMatchObject({ id: ids[0], message: 'one, edited', edited: true });
    expect(third.value).toMatchObject({ id: ids[2], message: 'three, edited' });
    expect(again.map(({ id, message }) => [id, message])).toEqual([
      [ids[2], 'three, edited'],
      [ids[4], 'five'],
    ]);
  });

  test('resumes after an id, once and in order, while more comes, and marks nothing as received', async () => {
    const served = await serveChat();
    const chat = chatOf(served);
    const [before, meanwhile] = [named('before'), named('meanwhile')];
    const ids: string[] = [];
    for (const text of before) ids.push((await chat.send({ from: 'jjeong', to: 'henry', text })).id);

    const resumed = textsUpTo('meanwhile 29', chat.mail('henry', { after: ids[9] }));
    for (const text of meanwhile) await say(served, 'jjeong', 'henry', text);

    expect(await resumed).toEqual([...before.slice(10), ...meanwhile]);
    const { messages } = await history(served, 'henry', 'jjeong');
    expect(messages.map(({ state }) => state)).not.toContain('delivered');
  });

  test('receives what was not received yet, and gets mail again whose handling failed', async () => {
    const served = await serveChat();
    const chat = chatOf(served);
    served.writeForeign('henry', 'data: from a file\n\n');
    await say(served, 'jjeong', 'henry', 'one\u2028\u2029');
    await say(served, 'jjeong', 'henry', 'two');
    const failing = async (): Promise<void> => {
      for await (const { message } of chat.mail('henry')) if (message === 'two') throw new Error('no luck');
    };

    await expect(inTime('the failure', failing())).rejects.toThrow('no luck');
    const again = await inTime('two', upTo('two', chat.mail('henry')));

    expect(again).toEqual([expect.objectContaining({ sender: 'jjeong', receiver: 'henry', message: 'two' })]);
    const { messages } = await history(served, 'henry', 'jjeong');
    expect(messages.map(({ state }) => state)).toEqual(['delivered', 'delivered', 'sent']);
  });

  test('can end a loop that waits: by return(), by a signal, and by closing the chat', async () => {
    const chat = chatOf(await serveChat());
    const stop = new AbortController();
    const loops = [chat.mail('henry'), chat.mail('henry', { signal: stop.signal }), chat.mail('henry')];
    const waiting = loops.map((loop) => loop.next());

    await inTime('return()', loops[0]!.return!());
    stop.abort();
    await inTime('the signal', waiting[1]!);
    await chat.close();

    const over = { done: true, value: undefined };
    expect(await inTime('the end', Promise.all(waiting))).toEqual([over, over, over]);
    expect(await chat.mail('henry').next()).toEqual(over);
  });

  test.each([
    ['INVALID_NAME', 'usable name', (chat: MailboxChat) => chat.mail('../x')],
    ['INVALID_CURSOR', '"after"', (chat: MailboxChat) => chat.mail('henry', { after: '9999999999999-0' })],
    ['INVALID_REQUEST', 'since', (chat: MailboxChat) => chat.mail('henry', { since: '1-0' } as object)],
  ])('is told %s', async (code, word, mailOf) => {
    const chat = chatOf(await serveChat());

    await expect((async () => mailOf(chat).next())()).rejects.toMatchObject({
      name: 'MailboxError',
      code,
      message: expect.stringContaining(word),
    });
  });
});

test('A loop continues when its process becomes the owner, with each message once and in order', async () => {
  const served = await serveChat();
  const chat = beside(served);
  const [before, after] = [named('before'), named('after')];
  for (const text of before) await say(served, 'jjeong', 'henry', text);
  const mails = chat.mail('henry', { after: 'all' });
  const first = await inTime('the first mail', mails.next());

  await served.chat.close();
  for (const text of after) await chat.send({ from: 'jjeong', to: 'henry', text });

  expect(first.value.message).toBe(before[0]);
  expect(await textsUpTo('after 29', mails)).toEqual([...before.slice(1), ...after]);
});

/** A store that counts who watches, and can pretend to have dropped everything before an id. */
class CountedMailboxes extends FileMailboxes {
  watching = 0;
  dropped: string | undefined;

  override async watch(mailbox: MailboxName, ring: () => void): Promise<() => void> {
    const unwatch = await super.watch(mailbox, ring);
    this.watching += 1;
    return () => {
      this.watching -= 1;
      unwatch();
    };
  }

  override async ends(mailbox: MailboxName): Promise<{ oldest: string; newest: string }> {
    const ends = await super.ends(mailbox);
    return { ...ends, oldest: this.dropped ?? ends.oldest };
  }

  override async read(mailbox: MailboxName, after?: string, limit?: number): Promise<Batch> {
    if (this.dropped && after && this.compare(after, this.dropped) < 0) return { events: [], gap: true };
    return super.read(mailbox, after, limit);
  }
}

describe('a loop over mail', () => {
  test('gets what is said in a room from now on, and leaves nothing behind', async () => {
    const store = new CountedMailboxes(temporaryDirectory());
    const { chat } = await serveChat({ store });
    await chat.send({ from: 'jjeong', to: 'room.lobby', text: 'before' });
    const mails = chat.mail('room.lobby');
    const first = mails.next();
    await until('the loop to listen', () => store.watching === 1);

    await chat.send({ from: 'jjeong', to: 'room.lobby', text: 'now' });
    const { value } = await inTime('the mail', first);
    await mails.return!();

    expect(value).toMatchObject({ mailbox: 'room.lobby', message: 'now' });
    expect(store.watching).toBe(0);
  });

  test('reports that mail is no longer kept', async () => {
    const store = new CountedMailboxes(temporaryDirectory());
    const { chat } = await serveChat({ store });
    const ids: string[] = [];
    for (const text of ['one', 'two', 'three', 'four'])
      ids.push((await chat.send({ from: 'jjeong', to: 'henry', text })).id);
    store.dropped = ids[2];

    const { value } = await inTime('the mail', chat.mail('henry', { after: ids[0] }).next());

    expect(value).toMatchObject({ message: 'four', gap: { after: ids[0], oldest: ids[2] } });
  });
});
