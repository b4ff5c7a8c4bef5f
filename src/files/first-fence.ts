import { readPart, statIfThere } from './disk.ts';
import { idTime, isOwnId } from './event-id.ts';

const HEAD_BYTES = 64 * 1024;
const FRAMES = /\n\n: after (\S+)\n(?:id|: end|: late)/g;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The ids that the fences near the beginning of a file name. If the log before the file is gone (somebody removed it, say),
 * the first one tells where the file begins. An id far ahead of the clock is ignored.
 */
export function firstFences(path: string, now: number): string[] {
  try {
    if (!statIfThere(path)?.isFile()) return [];
    const head = readPart(path, 0, HEAD_BYTES).toString('latin1');
    const named = Array.from(head.matchAll(FRAMES), ([, after = '']) => after);
    return named.filter((after) => isOwnId(after) && idTime(after) <= now + DAY_MS);
  } catch {
    return []; // reading the file itself reports the error
  }
}
