import { ChatCounts } from './chat-counts.ts';
import { FileMailboxes, type FileMailboxesOptions } from './files/file-mailboxes.ts';
import { Mailroom } from './http/mailroom.ts';
import { SendLimit } from './http/send-limit.ts';
import type { MailboxStore } from './mailbox-store.ts';
import { Ownership, Unshared, type Owning } from './ownership/ownership.ts';
import { prepareDirectory } from './ownership/prepare-directory.ts';
import type { ChatOptions } from './read-options.ts';

export type OpenFiles = (options: ChatOptions) => FileMailboxes;

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The mailboxes, as far as they are this process's. Those in files belong to one of the processes that are given their
 * directory: `requestOwner` reaches it. Throws the system's error when the directory cannot be used.
 */
export function openMailroom(
  options: ChatOptions,
  counts = new ChatCounts(),
  openFiles: OpenFiles = inFiles,
): Owning<Mailroom> {
  const { dir, logger, store, sendRate, access } = options;
  const limit = new SendLimit(sendRate);
  const roomOf = (opened: MailboxStore): Mailroom =>
    new Mailroom(opened, { ...options, limit, counts, rechecks: access === 'links', dir: store ? null : dir });
  if (store) return new Unshared(roomOf(store));
  return new Ownership(prepareDirectory(dir), () => roomOf(openFiles(options)), logger);
}

function inFiles(options: ChatOptions): FileMailboxes {
  const { dir, logger, onFatal, groupWritable, keepDays, keepBytes } = options;
  const given: FileMailboxesOptions = {
    logger,
    groupWritable,
    ...(onFatal && { onFatal }),
    ...(keepDays !== undefined && { keepMs: keepDays * DAY_MS }),
    ...(keepBytes !== undefined && { keepBytes }),
  };
  return new FileMailboxes(dir, given);
}
