import type { BackPage } from '../words/mailbox-store.ts';
import { placeOf } from './event-id.ts';
import { eventOf } from './stored-event.ts';
import type { Stored, StreamSubject } from './stream-subject.ts';

const MOST_BYTES = 1024 * 1024;
/** A read may be this many times as long as the page. */
const SLACK = 2;
const MAX_PROBES = 24;

/**
 * The last events up to the place `end`, newest first: at most `limit`, or 1 MiB. A stream cannot be read backwards. So
 * we count messages to find a place about a page before the end, and read forwards from there.
 */
export async function pageBack(mail: StreamSubject, end: number, limit: number): Promise<BackPage> {
  if (end < 1) return { events: [] };
  const { first, from } = await pageBefore(mail, end, limit);
  let last = await lastUpTo(mail, from, end, limit);
  if (last.length === 0) last = await lastUpTo(mail, 1, end, limit); // a replica that was behind gave the counts
  const events = last.toReversed().map((message) => eventOf(message, mail.epoch));
  return last.length > 0 && last[0]!.seq > first ? { events, more: events.at(-1)!.id } : { events };
}

/** The last place before a cursor; 0 if nothing comes before it. */
export function lastBefore(cursor: string, currentEpoch: number): number {
  const { epoch, seq } = placeOf(cursor);
  return epoch === currentEpoch ? Math.ceil(seq) - 1 : 0;
}

/** A place from which there are at least `limit` messages up to `end`, but not many more. */
async function pageBefore(mail: StreamSubject, end: number, limit: number): Promise<{ first: number; from: number }> {
  const [first, after] = await Promise.all([mail.countFrom(1), mail.countFrom(end + 1)]);
  let tooMany = { seq: Math.min(first.seq, end), count: first.count - after.count };
  let tooFew = { seq: end + 1, count: 0 };
  for (let probes = 0; tooMany.count > SLACK * limit && probes < MAX_PROBES; probes += 1) {
    const share = (1.5 * limit - tooFew.count) / (tooMany.count - tooFew.count);
    const between = Math.round(tooFew.seq - (tooFew.seq - tooMany.seq) * share);
    const seq = Math.max(tooMany.seq + 1, Math.min(tooFew.seq - 1, between));
    if (seq >= tooFew.seq) break;
    const found = { seq, count: (await mail.countFrom(seq)).count - after.count };
    if (found.count < limit) tooFew = found;
    else tooMany = found;
  }
  return { first: first.seq, from: tooMany.seq };
}

async function lastUpTo(mail: StreamSubject, from: number, end: number, limit: number): Promise<Stored[]> {
  const messages: Stored[] = [];
  let bytes = 0;
  for await (const message of mail.each(from, end)) {
    messages.push(message);
    bytes += message.data.length;
    while (messages.length > limit || (bytes > MOST_BYTES && messages.length > 1)) {
      bytes -= messages.shift()!.data.length;
    }
  }
  return messages;
}
