import { appendFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { idTime } from '../../src/files/event-id.ts';
import type { MailEvent } from '../../src/words/mailbox-store.ts';
import { Clock, MailboxDirectory } from '../support/store-files.ts';
import { Listener, henry, jjeong, letter, mina, readAll } from '../support/store-mail.ts';

const HOUR_MS = 60 * 60 * 1000;

let directory: MailboxDirectory;
let clock: Clock;
let store: FileMailboxes;

beforeEach(() => {
  directory = new MailboxDirectory();
  clock = new Clock();
  store = directory.open({ now: clock.now });
});

afterEach(() => directory.remove());

async function reopen(): Promise<void> {
  await store.close();
  store = directory.open({ now: clock.now });
}

async function toMina(text: string): Promise<MailEvent> {
  return (await store.append(mina, letter(text, { receiver: mina }))).event;
}

describe('foreign mail that is read', () => {
  test.each([
    ['while the clock stands', 0],
    ['when the clock was set back', -HOUR_MS],
  ])('%s is placed between what was written before and after it', async (_, ms) => {
    const before = await toMina('before');
    clock.move(ms);
    appendFileSync(directory.file(), 'data: hi\n\n');
    const [foreign] = await readAll(store);
    const after = await toMina('after');

    expect(foreign!.time).toBeGreaterThan(before.time);
    expect(idTime(after.id)).toBeGreaterThanOrEqual(foreign!.time);
  });

  test('keeps its time when its mailbox is taken, and after a restart', async () => {
    await toMina('before');
    const listener = await Listener.open(store);
    appendFileSync(directory.file(), 'data: hi\n\n');
    const shown = await listener.next();
    await directory.emptied();

    expect(await readAll(store)).toEqual([shown]);
    await reopen();
    expect(await readAll(store)).toEqual([shown]);
  });

  test('together with the message after it has the time of that message', async () => {
    await store.append(henry, letter('first'));
    const { event } = await store.append(henry, letter('second'));
    await store.close();
    const text = await directory.read();
    const at = text.lastIndexOf(': after');
    writeFileSync(directory.file(), `${text.slice(0, at)}data: hi\n\n${text.slice(at)}`);
    clock.move(HOUR_MS);
    store = directory.open({ now: clock.now });

    expect((await readAll(store)).map(({ time }) => time)).toEqual([event.time, event.time, event.time]);
  });
});

test.each([
  ['waits in the mailbox', async () => undefined],
  [
    'was taken',
    async () => {
      const listener = await Listener.open(store);
      await listener.next();
      await directory.emptied();
      listener.stop();
    },
  ],
])(
  'after a restart with the clock set back, an answer has a higher id than what it answers, which %s',
  async (_, receive) => {
    const { event: question } = await store.append(henry, letter('question'));
    await receive();
    clock.move(-HOUR_MS);
    await reopen();

    const { event: answer } = await store.append(jjeong, letter('answer', { sender: henry, receiver: jjeong }));

    expect(store.compare(answer.id, question.id)).toBeGreaterThan(0);
  },
);
