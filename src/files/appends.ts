import { setTimeout } from 'node:timers/promises';
import { MailboxError } from '../words/mailbox-error.ts';
import type { Appended, MailEvent, Message } from '../words/mailbox-store.ts';
import { isEventOf, messageData, scopedKey } from '../words/message-data.ts';
import { sync } from './disk.ts';
import { idTime } from './event-id.ts';
import { messageFrames } from './frames.ts';
import { FileGone } from './log-file.ts';
import type { MailLog } from './mail-log.ts';
import type { Found, MailboxFile } from './mailbox-file.ts';
import type { RecentKeys } from './recent-keys.ts';
import type { StoreContext } from './store-context.ts';
import { writeFrames, type Draft } from './write-frames.ts';

export interface Append {
  readonly message: Message;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

/** What came of one append: a new event, the id of the event that its key made before, or an error. */
interface Outcome {
  readonly append: Append;
  readonly id: string;
  readonly event?: MailEvent;
  readonly error?: MailboxError;
}

interface AppendDraft extends Draft {
  readonly outcomes: readonly Outcome[];
}

const MAX_BATCH = 256;
const MAX_BATCH_CHARS = 64 * 1024;
const MAX_ATTEMPTS = 10;
/** A full mailbox has so much room for removals: nobody should have to wait to take back what they said. */
const REMOVAL_FACTOR = 1.1;
/** How long we wait for the rest of an event that another program is writing. */
const UNFINISHED_MS = 100;
const UNFINISHED_POLL_MS = 5;

/** The appends that wait for one mailbox. Each write takes all that have come by then, so that they share one sync. */
export class AppendQueue {
  readonly #write: (queue: Append[]) => Promise<void>;
  readonly #queue: Append[] = [];
  #isWriting = false;

  /** `write` settles the appends that it removes from the queue. If it throws, those that are still there fail, too. */
  constructor(write: (queue: Append[]) => Promise<void>) {
    this.#write = write;
  }

  get length(): number {
    return this.#queue.length;
  }

  add(message: Message): Promise<Appended> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ message, resolve, reject });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#queue.length > 0) {
      try {
        await this.#write(this.#queue);
      } catch (error) {
        for (const { reject } of this.#queue.splice(0)) reject(error);
      }
    }
    this.#isWriting = false;
  }
}

/**
 * Writes the next batch from `queue` in one write and one sync, then settles its appends. The batch is chosen right before
 * the write, so late comers are still in it. `prepare` reads on in the mailbox, and makes the file if there is none.
 */
export async function writeBatch(log: MailLog, queue: Append[], prepare: () => Promise<void>): Promise<void> {
  const batch: Append[] = [];
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      await prepare();
      const keys = await log.keys();
      await waitForUnfinished(log.current);
      const outcomes = await log.context.slots.run(() => tryWrite(log, keys, queue, batch));
      if (outcomes) return await settle(log, outcomes);
    }
    throw new MailboxError('MAILBOX_BUSY', 'Another program keeps replacing the mailbox file. Send again.');
  } catch (error) {
    fillBatch(batch, queue); // the error may have come before the batch was chosen
    for (const { reject } of batch) reject(error);
    throw error;
  }
}

/** A foreign program may write one event in several writes. A frame of ours between them would cut the event in two. */
async function waitForUnfinished(file: MailboxFile): Promise<void> {
  const beganMs = performance.now();
  const size = file.size;
  while (file.tail !== 'none' && performance.now() - beganMs < UNFINISHED_MS) {
    await setTimeout(UNFINISHED_POLL_MS);
    if (file.stat.size !== size) return; // more has come, and is read before the write
  }
}

/** Writes the batch. Undefined means try again: the file was replaced, or too much came in meanwhile to read it at once. */
async function tryWrite(
  log: MailLog,
  keys: RecentKeys,
  queue: Append[],
  batch: Append[],
): Promise<readonly Outcome[] | undefined> {
  log.beginAtFloor();
  const { current } = log;
  const found: Found[] = [];
  try {
    // No await from here to the write: ids must be chosen after all that other programs wrote before it.
    const isRead = current.endTailNow((each) => found.push(each));
    for (const { id, key } of found.flatMap(({ events = [] }) => events)) {
      if (key !== undefined) keys.set(key, id, log.context.uptimeMs());
    }
    if (!isRead) return undefined;
    fillBatch(batch, queue);
    const draft = makeDraft(log, keys, batch);
    if (draft.events.length === 0) return draft.outcomes;
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

/** Shows what other programs wrote. Call it only once that is on disk. */
function publish(log: MailLog, found: Found[]): void {
  for (const each of found.splice(0)) log.found(each);
}

/** Moves what is queued into the batch; does nothing on a retry. */
function fillBatch(batch: Append[], queue: Append[]): void {
  if (batch.length > 0) return;
  let chars = 0;
  const cut = queue.findIndex(
    ({ message }, i) => i >= MAX_BATCH || (chars += message.message.length) > MAX_BATCH_CHARS,
  );
  batch.push(...queue.splice(0, cut === -1 ? queue.length : Math.max(1, cut)));
}

/** Gives each new message the next id. A key that was used before keeps its first event. */
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
    if (isFull(log, events.length + 1, append.message.type === 'remove' ? REMOVAL_FACTOR : 1)) {
      outcomes.push({ append, id: last, error: noRoom(context) });
      continue;
    }
    last = context.clock.next(last, now);
    const event = { id: last, time: idTime(last), data: messageData(append.message, now), type: append.message.type };
    events.push(event);
    keyed.set(key, last);
    outcomes.push({ append, id: last, event });
  }
  return { outcomes, events, keyed, bytes: Buffer.from(messageFrames(current.state, events)) };
}

/** Whether the mailbox has no room for `more` events. `factor`: how much of the limits may be used. */
export function isFull(
  { current, context: { maxWaiting, maxWaitingBytes } }: MailLog,
  more: number,
  factor = 1,
): boolean {
  return current.state.count + more > maxWaiting * factor || current.size > maxWaitingBytes * factor;
}

function noRoom({ maxWaiting, maxWaitingBytes }: StoreContext): MailboxError {
  const why = `This mailbox is full: ${maxWaiting} messages or ${maxWaitingBytes} bytes are waiting in it. Send again after its owner has read it.`;
  return new MailboxError('MAILBOX_FULL', why);
}

async function settle(log: MailLog, outcomes: readonly Outcome[]): Promise<void> {
  for (const { append, id, event: made, error } of outcomes) {
    const { message, resolve, reject } = append;
    if (error) {
      reject(error);
      continue;
    }
    if (made) {
      resolve({ event: made, repeated: false });
      continue;
    }
    const earlier = await log.find(id);
    if (earlier && !isEventOf(message, earlier)) {
      const why = 'This key was used for another message. Use a new key for a new message.';
      reject(new MailboxError('KEY_REUSED', why));
      continue;
    }
    // If the event is no longer kept, its id and the text that was sent again make the same answer.
    const event = earlier ?? { id, time: idTime(id), data: messageData(message, idTime(id)) };
    resolve({ event, repeated: true });
  }
}
