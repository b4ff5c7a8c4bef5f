import type { MailboxName } from '../words/mailbox-name.ts';
import { closed } from '../words/mailbox-error.ts';
import { Slices } from '../words/slices.ts';
import { statIfThere } from './disk.ts';
import { idTime, ownPart } from './event-id.ts';
import type { LogFile } from './log-file.ts';
import { allBeginnings, chunksOf } from './log-reading.ts';
import type { MailLog } from './mail-log.ts';
import { MAX_AGE_MS, MIN_AGE_MS, RecentKeys } from './recent-keys.ts';
import type { ReadState } from './read-state.ts';

/** Holds about 10,000 short messages. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** With late mail between the messages: enough for minutes of it, and read within about a second. */
const MAX_READ_BYTES = 16 * 1024 * 1024;

/** A part of a file that has own ids: of messages, or of late mail. */
interface Stretch {
  readonly file: LogFile;
  readonly from: ReadState;
  readonly to: number;
  /** The last own id in it. */
  readonly own: string;
}

/** A message, without its text: there may be very many. */
interface Keyed {
  readonly id: string;
  readonly key: string;
  readonly bytes: number;
}

/**
 * Reads the keys of the last day from a log, newest first: up to 4 MiB of messages, but all of the last two minutes.
 * Skips stretches of foreign mail. CLOSED once the store closes: the messages that wait for this are sent again elsewhere.
 */
export async function recentKeysIn(log: MailLog): Promise<RecentKeys> {
  const dayAgoMs = log.context.now() - MAX_AGE_MS;
  const leastMs = idTime(log.newest) - MIN_AGE_MS; // by ids, since the clock may have been set
  const messages: Keyed[][] = [];
  let bytes = 0;
  let readBytes = 0;
  for await (const stretch of newestStretches(log)) {
    if (log.context.isClosing) throw closed();
    const isEnough = bytes >= MAX_MESSAGE_BYTES || readBytes >= MAX_READ_BYTES;
    const ms = idTime(stretch.own);
    if ((isEnough || ms < dayAgoMs) && ms < leastMs) break;
    const found = await messagesIn(log.paths.name, stretch);
    messages.push(found);
    bytes += found.reduce((sum, message) => sum + message.bytes, 0);
    readBytes += stretch.to - stretch.from.offset;
  }
  const keys = new RecentKeys();
  const slices = new Slices();
  for (const some of messages.toReversed()) {
    for (const { id, key } of some) keys.set(key, id, log.context.uptimeMs());
    await slices.rest();
  }
  return keys;
}

async function* newestStretches(log: MailLog): AsyncGenerator<Stretch> {
  for (const file of [...log.pieces, log.current.log].toReversed()) {
    let own = ownPart(file.end ?? log.newest);
    let to = file.end === undefined ? log.current.size : (statIfThere(file.path)?.size ?? 0);
    const isForeign = to === 0 || own === ownPart(file.start);
    const beginnings = isForeign ? [] : await allBeginnings(log.paths.name, file);
    for (const from of beginnings.toReversed()) {
      if (own !== from.own) yield { file, from, to, own };
      ({ own, offset: to } = from);
    }
  }
}

async function messagesIn(mailbox: MailboxName, { file, from, to }: Stretch): Promise<Keyed[]> {
  const found: Keyed[] = [];
  for await (const { events } of chunksOf(mailbox, file, from, 'events', to)) {
    for (const { id, key, from: at, end } of events) {
      if (key !== undefined) found.push({ id: copyOf(id), key: copyOf(key), bytes: end - at });
    }
  }
  return found;
}

/** A part of a text keeps all of it in memory. A copy does not, which halves the time: there is less garbage. */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}
