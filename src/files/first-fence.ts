import { READ, readRange, statIfThere, withFile } from './disk.ts';
import { idTime, isOwnId } from './event-id.ts';

const HEAD_BYTES = 64 * 1024;
const FRAMES = /\n\n: after (\S+)\n(?:id|: end|: late)/g;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The ids that the frames of ours near the beginning of a file were written after. The first tells where the file begins
 * when the log before it is gone: removed by hand, say. One far ahead of the clock is not believed.
 */
export function firstFences(path: string, now: number): string[] {
  try {
    if (!statIfThere(path)?.isFile()) return [];
    const head = withFile(path, READ, (fd) => readRange(fd, 0, HEAD_BYTES)).toString('latin1');
    const named = Array.from(head.matchAll(FRAMES), ([, after = '']) => after);
    return named.filter((after) => isOwnId(after) && idTime(after) <= now + DAY_MS);
  } catch {
    return []; // it cannot be read now: reading it on will tell
  }
}
