import { statIfThere } from './disk.ts';
import { idTime, ownPart } from './event-id.ts';
import type { LogFile } from './log-file.ts';
import { allBeginnings, chunksOf } from './log-reading.ts';
import type { MailLog } from './mail-log.ts';
import { MAX_AGE_MS, MIN_AGE_MS, RecentKeys } from './recent-keys.ts';
import type { ReadState } from './read-state.ts';

/** Holds about 10,000 short messages. */
const MAX_BYTES = 4 * 1024 * 1024;

/** A part of a file that has messages of ours. */
interface Stretch {
  readonly file: LogFile;
  readonly from: ReadState;
  readonly to: number;
}

/**
 * Reads from the newest 4 MiB of a log the keys of the last day, and those of the last two minutes in any case. Skips
 * stretches of foreign mail, which do not count towards the 4 MiB.
 */
export async function recentKeysIn(log: MailLog): Promise<RecentKeys> {
  const keys = new RecentKeys();
  for (const { file, from, to } of (await newestStretches(log)).toReversed()) {
    for await (const { events } of chunksOf(log.paths.name, file, from, 'events', to)) {
      for (const { id, key } of events) if (key !== undefined) keys.set(key, id, log.context.uptimeMs());
    }
  }
  return keys;
}

/** Newest first. */
async function newestStretches(log: MailLog): Promise<Stretch[]> {
  const dayAgoMs = log.context.now() - MAX_AGE_MS;
  const leastMs = idTime(log.newest) - MIN_AGE_MS; // by ids, since the clock may have been set
  const found: Stretch[] = [];
  let bytes = 0;
  for (const file of [...log.pieces, log.current.log].toReversed()) {
    let own = ownPart(file.end ?? log.newest);
    let to = file.end === undefined ? log.current.size : (statIfThere(file.path)?.size ?? 0);
    const isForeign = to === 0 || own === ownPart(file.start);
    const beginnings = isForeign ? [] : await allBeginnings(log.paths.name, file);
    for (const from of beginnings.toReversed()) {
      const isOver = idTime(own) < dayAgoMs || bytes >= MAX_BYTES;
      if (isOver && idTime(own) < leastMs) return found;
      if (own !== from.own) {
        found.push({ file, from, to });
        bytes += to - from.offset;
      }
      ({ own, offset: to } = from);
    }
  }
  return found;
}
