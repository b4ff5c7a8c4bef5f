import { makeDirectoryAsync, removedIfEmpty, statIfThere, syncDirectoryAsync, writing } from './disk.ts';
import { removeOpen, type OpenPiece } from './late-mail.ts';
import type { MailLog } from './mail-log.ts';
import { moveAsCopy } from './own-copy.ts';
import { movePiece } from './pieces.ts';

const IDLE_MS = 3000;

/** Pieces that nobody has written to for `idleMs` and whose late mail has all been brought in. */
export function idlePieces(log: MailLog | undefined, idleMs = IDLE_MS): OpenPiece[] {
  if (!log) return [];
  const nowMs = log.context.uptimeMs();
  return log.open.filter((open) => nowMs - open.grownMs >= idleMs && (open.size <= open.state.offset || open.isHalf));
}

/** Moves pieces that no process has open from `.taken` to `.delivered`. A piece that has grown since it was checked stays. */
export async function retire(log: MailLog, pieces: readonly OpenPiece[]): Promise<void> {
  const { delivered, taken } = log.paths;
  await makeDirectoryAsync(delivered);
  let moved = 0;
  for (const open of pieces) {
    if (!log.open.includes(open) || statIfThere(open.file.path)?.size !== open.size) continue;
    if (log.context.isShared) await moveAsCopy(open.file, delivered, open.size);
    else writing(() => movePiece(open.file, delivered));
    removeOpen(log, open);
    moved += 1;
  }
  if (moved === 0) return;
  await syncDirectoryAsync(delivered);
  removedIfEmpty(taken); // each start loads every mailbox that has a directory there
}
