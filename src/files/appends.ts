import { setTimeout } from 'node:timers/promises';
import { MailboxError } from '../words/mailbox-error.ts';
import type { Appended, MailEvent, Message } from '../words/mailbox-store.ts';
import { messageData, scopedKey } from '../words/message-data.ts';
import { sync } from './disk.ts';
import { idTime } from './event-id.ts';
import { messageFrames } from './frames.ts';
import { FileGone } from './log-file.ts';
import type { MailLog } from './mail-log.ts';
import type { Found, MailboxFile } from './mailbox-file.ts';
import type { RecentKeys } from './recent-keys.ts';
import { writeFrames, type Draft } from './write-frames.ts';

export interface Append {
  readonly message: Message;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

/** What becomes of one append: an event of its own, or the one with this id that its key made before. */
interface Outcome {
  readonly append: Append;
  readonly id: string;
  readonly event?: MailEvent;
}

interface AppendDraft extends Draft {
  readonly outcomes: readonly Outcome[];
}

const MAX_BATCH = 256;
const MAX_BATCH_CHARS = 64 * 1024;
const MAX_ATTEMPTS = 10;
const TAIL_MS = 100;
const TAIL_LOOK_MS = 5;

/**
 * Writes the next batch of those who wait in `queue`, in one write and one sync, and answers them. Who comes later, but
 * before the write, goes with it. `prepare` brings the mailbox up to date, and makes it if need be.
 */
export async function writeBatch(log: MailLog, queue: Append[], prepare: () => Promise<void>): Promise<void> {
  const batch: Append[] = [];
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      await prepare();
      const keys = await log.keys();
      await waitForTail(log.current);
      const outcomes = await log.context.slots.run(() => written(log, keys, queue, batch));
      if (outcomes) return await settle(log, outcomes);
    }
    throw new MailboxError('MAILBOX_BUSY', 'The mailbox was replaced again and again while we wrote. Send again.');
  } catch (error) {
    fill(batch, queue); // the write may not have begun
    for (const { reject } of batch) reject(error);
    throw error;
  }
}

/** Undefined when what was written is out of reach, or nothing could be written yet: once more. */
async function written(
  log: MailLog,
  keys: RecentKeys,
  queue: Append[],
  batch: Append[],
): Promise<readonly Outcome[] | undefined> {
  log.beginAtFloor();
  const { current } = log;
  const found: Found[] = [];
  try {
    // From here to the write nothing else has its turn: what others wrote before it stands before it.
    const isRead = current.endTailNow((each) => found.push(each));
    for (const { id, key } of found.flatMap(({ events = [] }) => events)) {
      if (key !== undefined) keys.set(key, id, log.context.uptimeMs());
    }
    if (!isRead) return undefined;
    fill(batch, queue);
    const draft = makeDraft(log, keys, batch);
    if (draft.events.length === 0) return draft.outcomes;
    checkRoom(log, draft.events.length);
    return (await writeFrames(log, draft, () => publish(log, found))) ? draft.outcomes : undefined;
  } catch (error) {
    if (error instanceof FileGone) return undefined;
    throw error;
  } finally {
    if (found.length > 0) {
      await sync(current.fd);
      publish(log, found);
    }
  }
}

/** Shows what others wrote; to be called when it is on disk. */
function publish(log: MailLog, found: Found[]): void {
  for (const each of found.splice(0)) log.found(each);
}

/** Moves to the batch what is queued now; does nothing on a retry. */
function fill(batch: Append[], queue: Append[]): void {
  if (batch.length > 0) return;
  let chars = 0;
  const cut = queue.findIndex(
    ({ message }, i) => i >= MAX_BATCH || (chars += message.message.length) > MAX_BATCH_CHARS,
  );
  batch.push(...queue.splice(0, cut === -1 ? queue.length : Math.max(1, cut)));
}

/** Gives every new message the next id; a key that was used before keeps its first event. */
function makeDraft(log: MailLog, keys: RecentKeys, batch: readonly Append[]): AppendDraft {
  const { context, current } = log;
  const now = Math.max(context.now(), current.log.foreignMs);
  const keyed = new Map<string, string>();
  const outcomes: Outcome[] = [];
  const events: MailEvent[] = [];
  let { last } = current.state;
  for (const append of batch) {
    const key = scopedKey(append.message);
    const earlierId = keyed.get(key) ?? keys.get(key, context.uptimeMs());
    if (earlierId !== undefined) {
      outcomes.push({ append, id: earlierId });
      continue;
    }
    last = context.clock.next(last, now);
    const event = { id: last, time: idTime(last), data: messageData(append.message, now) };
    events.push(event);
    keyed.set(key, last);
    outcomes.push({ append, id: last, event });
  }
  return { outcomes, events, keyed, bytes: Buffer.from(messageFrames(current.state, events)) };
}

/** Whether there is no room in the mailbox for so many events more. */
export function isFull({ current, context: { maxWaiting, maxWaitingBytes } }: MailLog, more: number): boolean {
  return current.state.count + more > maxWaiting || current.size > maxWaitingBytes;
}

function checkRoom(log: MailLog, events: number): void {
  if (!isFull(log, events)) return;
  const { maxWaiting, maxWaitingBytes } = log.context;
  const why = `This mailbox is full: ${maxWaiting} messages or ${maxWaitingBytes} bytes wait in it already. Send again when it has been read.`;
  throw new MailboxError('MAILBOX_FULL', why);
}

async function settle(log: MailLog, outcomes: readonly Outcome[]): Promise<void> {
  for (const { append, id, event: made } of outcomes) {
    const { message, resolve, reject } = append;
    if (made) {
      resolve({ event: made, repeated: false });
      continue;
    }
    const earlier = await log.find(id);
    if (earlier && JSON.parse(earlier.data).message !== message.message) {
      const why = 'This key was used for another message. Use a new key for a new message.';
      reject(new MailboxError('KEY_REUSED', why));
      continue;
    }
    // The event itself is no longer kept: its id and the text that was sent again say the same.
    const event = earlier ?? { id, time: idTime(id), data: messageData(message, idTime(id)) };
    resolve({ event, repeated: true });
  }
}

/** An event of a foreign writer may come in several writes: a frame of ours between them would cut it. */
async function waitForTail(file: MailboxFile): Promise<void> {
  const beganMs = performance.now();
  const size = file.size;
  while (file.tail !== 'none' && performance.now() - beganMs < TAIL_MS) {
    await setTimeout(TAIL_LOOK_MS);
    if (file.stat.size !== size) return; // it goes on: what came is read before the write
  }
}
