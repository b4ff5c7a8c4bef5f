import { keyOf } from '../words/message-data.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import { foreignFields } from './blocks.ts';
import { READ, readRange, withFile } from './disk.ts';
import { FIRST_ID, idTime, isOwnId } from './event-id.ts';
import { LogFile } from './log-file.ts';
import { chunksOf } from './log-reading.ts';
import { beginning, behindEnd, type ReadEvent } from './read-state.ts';

/** Version 1 did not accept an id as its own if it was further ahead of the clock than this. */
const MAX_AHEAD_MS = 24 * 60 * 60 * 1000;
const LINE_END = /\r\n|\r|\n/;
const ID = /^\ufeff?id(?:: ?|$)/;

/** An event in a mailbox or a take of layout 1. Messages of ours have an id and a key. */
export interface OldEvent {
  readonly id?: string;
  readonly key?: string;
  readonly data: string;
  readonly type?: string | undefined;
}

/** The events in bytes `from` to `to` of a mailbox or a take, a chunk at a time. `latestMs`: the latest credible time. */
export async function* oldEvents(
  name: MailboxName,
  path: string,
  from: number,
  to: number,
  latestMs: number,
): AsyncGenerator<OldEvent[]> {
  const file = new LogFile(path, FIRST_ID);
  file.readTo = to;
  for await (const { events } of chunksOf(name, file, behindEnd(beginning(), from))) {
    yield withFile(path, READ, (fd) => events.flatMap((event) => oldEvent(fd, event, latestMs)));
  }
}

/** Where the last whole event ends. */
export async function endOfEvents(name: MailboxName, path: string, from: number): Promise<number> {
  let end = from;
  const chunks = chunksOf(name, new LogFile(path, FIRST_ID), behindEnd(beginning(), from), 'states');
  for await (const { state } of chunks) if (!state.isLong) end = state.offset;
  return end;
}

/** Empty if this is a torn message of ours. */
function oldEvent(fd: number, { from, end }: ReadEvent, latestMs: number): OldEvent[] {
  const text = readRange(fd, from, end).toString();
  const { data = '', type } = foreignFields(text);
  const id =
    text
      .split(LINE_END)
      .findLast((line) => ID.test(line))
      ?.replace(ID, '') ?? '';
  if (!isOwnId(id) || idTime(id) > latestMs + MAX_AHEAD_MS) return [{ data, type }];
  const key = keyOf(data);
  return key === undefined ? [] : [{ id, key, data }];
}
