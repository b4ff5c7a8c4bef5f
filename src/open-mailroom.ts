import { accessSync, constants, realpathSync } from 'node:fs';
import { ChatCounts } from './chat-counts.ts';
import { makeDirectory } from './files/disk.ts';
import { FileMailboxes, type FileMailboxesOptions } from './files/file-mailboxes.ts';
import { checkLayout } from './files/layout.ts';
import { Mailroom } from './http/mailroom.ts';
import { SendLimit } from './http/send-limit.ts';
import type { MailboxStore } from './mailbox-store.ts';
import { Ownership } from './ownership/ownership.ts';
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
): Ownership<Mailroom> {
  const { dir, logger, store, sendRate, access } = options;
  const limit = new SendLimit(sendRate);
  const roomOf = (opened: MailboxStore): Mailroom =>
    new Mailroom(opened, { ...options, limit, counts, rechecks: access === 'links', dir: store ? null : dir });
  if (store) return new Ownership(undefined, () => roomOf(store), logger);
  return new Ownership(prepare(dir), () => roomOf(openFiles(options)), logger);
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

/** Makes the directory if need be; its real path. */
function prepare(path: string): string {
  makeDirectory(path);
  const dir = realpathSync(path);
  accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
  checkLayout(dir);
  return dir;
}
