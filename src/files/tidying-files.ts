import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { isSha256 } from '../words/file-store.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import { messageOf } from '../words/message-data.ts';
import { Slices } from '../words/slices.ts';
import type { Claim } from './claims.ts';
import { compareIds } from './event-id.ts';
import type { KeptFiles } from './kept-files.ts';
import { namesIn, statIfThere } from './disk.ts';
import { FILES, MailboxPaths } from './mailbox-paths.ts';
import { piecesIn } from './pieces.ts';
import type { StoreContext } from './store-context.ts';

/** How long a file stays that was stored, and that no message names. */
const UPLOAD_KEEP_MS = 24 * 60 * 60 * 1000;
const PAGE = 200;

/** Drops the claims of mail that is no longer kept, and of uploads that no message has named for a day. */
export async function tidyFiles(files: KeptFiles, { dir, keepMs, now }: StoreContext): Promise<void> {
  const slices = new Slices();
  for (const mailbox of files.claims.mailboxes) {
    const oldest = oldestIn(new MailboxPaths(dir, mailbox));
    for (const sha256 of files.claims.hashes(mailbox)) {
      for (const claim of files.claims.of(mailbox, sha256)) {
        if (claim.id !== '' && compareIds(claim.id, oldest) <= 0) files.drop(sha256, claim.path);
        if (claim.id === '' && now() - claim.ms >= UPLOAD_KEEP_MS) await expire(files, mailbox, sha256, claim);
      }
      await slices.rest();
    }
  }
  // What another program put here, while its mail was kept, and in a copy of the directory, where each claim has a copy.
  for (const name of namesIn(join(dir, FILES)).filter(isSha256)) {
    const path = join(dir, FILES, name);
    const stat = statIfThere(path);
    if (stat?.nlink === 1 && now() - stat.ctimeMs >= keepMs) rmSync(path, { force: true });
    await slices.rest();
  }
}

/** The id after which the log begins. What is in the mailbox file alone is always kept. */
function oldestIn({ taken, delivered }: MailboxPaths): string {
  const starts = [...piecesIn(delivered), ...piecesIn(taken)].map(({ start }) => start);
  return starts.toSorted(compareIds)[0] ?? '0-0';
}

/** Drops an upload. A message may name it, if the process died before it made the claim of that message. */
async function expire(files: KeptFiles, mailbox: MailboxName, sha256: string, upload: Claim): Promise<void> {
  const { path, sender, ms } = upload;
  const claimed = new Set(files.claims.of(mailbox, sha256).map(({ id }) => id));
  let before: string | undefined;
  do {
    const { events, more } = await files.mail.readBack(mailbox, before, PAGE);
    const named = events.find(({ id, data, foreign }) => {
      const isTheirs = sender === '' ? foreign : !foreign && messageOf(data)?.sender === sender;
      return isTheirs && data.includes(`"${sha256}"`) && !claimed.has(id);
    });
    if (named) return files.claims.settle(path, named.id, sender);
    before = events.some(({ time }) => time < ms) ? undefined : more;
  } while (before !== undefined);
  files.drop(sha256, path);
}
