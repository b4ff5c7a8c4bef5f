/** Merges many small pieces into one, so that a log does not become thousands of files. */
import { rmSync, utimesSync } from 'node:fs';
import { join, parse } from 'node:path';
import { randomName, statIfThere } from './disk.ts';
import { idTime } from './event-id.ts';
import type { MergedEvent } from './frame-forms.ts';
import { LogFile } from './log-file.ts';
import { chunksOf, dated } from './log-reading.ts';
import type { MailLog } from './mail-log.ts';
import { MergedFile } from './merged-file.ts';

const MERGE_LEAST = 32;
const MERGE_MOST = 512;
const SMALL_BYTES = 32 * 1024;
const MIDDLE_BYTES = 1024 * 1024;
const MERGED_BYTES = 32 * MIDDLE_BYTES;
/**
 * A merged file covers at most a twelfth of `keepMs`. Retention drops a file as a whole, so the oldest mail in it stays as
 * long as the newest.
 */
const MERGED_PART = 12;
/** What decoding puts in place of bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd';

/** Writes a run of small neighbouring pieces into one file; does nothing while there are fewer than 32. */
export async function merge(log: MailLog): Promise<void> {
  const parts = mergeable(log);
  if (parts.length === 0) return;
  const [first, last] = [parts[0]!, parts.at(-1)!];
  const { delivered } = log.paths;
  const mtime = statIfThere(last.path)?.mtime;
  const path = join(delivered, `${first.start}_${last.end}.log`);
  const merged = new MergedFile(
    join(delivered, `draft-${randomName()}`),
    parts.map((part) => parse(part.path).base),
  );
  try {
    for (const part of parts) if (!(await writePart(log, part, merged))) return merged.drop();
    await merged.finish(path);
    if (mtime) utimesSync(path, mtime, mtime); // retention may go by it
  } catch (error) {
    merged.drop();
    throw error;
  }
  const at = log.pieces.indexOf(first);
  log.pieces.splice(at, parts.length, new LogFile(path, first.start, last.end));
  for (const part of parts) rmSync(part.path, { force: true });
}

/**
 * A run of small pieces, older than every piece that is still in `.taken`. A later piece may hold late mail of a taken one,
 * and a merged file no longer says where late mail came from.
 */
function mergeable(log: MailLog): LogFile[] {
  const oldestTaken = log.pieces.findIndex(({ path }) => log.paths.isTaken(path));
  const settled = oldestTaken === -1 ? log.pieces : log.pieces.slice(0, oldestTaken);
  for (const least of [SMALL_BYTES, MIDDLE_BYTES]) {
    let run: LogFile[] = [];
    let bytes = 0;
    for (const file of settled) {
      const size = file.measure();
      const fits = size < least && !file.isRaw && run.length < MERGE_MOST && bytes + size <= MERGED_BYTES;
      const isNext = run.length === 0 || run.at(-1)!.end === file.start;
      const firstMs = run[0] && idTime(run[0].isMerged ? run[0].start : run[0].end!);
      const isLong = idTime(file.end!) - (firstMs ?? Infinity) > log.context.keepMs / MERGED_PART;
      if (!fits || !isNext || isLong) {
        if (run.length >= MERGE_LEAST) return run;
        [run, bytes] = [[], 0];
      }
      if (size >= least || file.isRaw) continue;
      run.push(file);
      bytes += size;
    }
    if (run.length >= MERGE_LEAST) return run;
  }
  return [];
}

/** Copies a piece's events. False if some bytes are not UTF-8: writing them again would change them, so the piece stays. */
async function writePart(log: MailLog, part: LogFile, merged: MergedFile): Promise<boolean> {
  for await (const events of eventsOf(log, part)) {
    part.isRaw = events.some(({ data }) => data.includes(REPLACEMENT));
    if (part.isRaw) return false;
    for (const event of events) merged.write(event);
  }
  return true;
}

/** Foreign text keeps its time, which marks it as foreign: text that came late has an own id. */
async function* eventsOf(log: MailLog, part: LogFile): AsyncGenerator<MergedEvent[]> {
  const { name } = log.paths;
  for await (const { events, state } of chunksOf(name, part, part.first)) {
    const times = await dated(name, part, events, [], state);
    yield events.map(({ id, data, type, sender }, i) => ({
      id,
      data,
      type,
      ...(sender === undefined && { at: times[i]!.time }),
    }));
  }
}
