import { MailboxError } from '../words/mailbox-error.ts';
import type { MailEvent } from '../words/mailbox-store.ts';
import { appendWhole, statIfThere, sync } from './disk.ts';
import type { MailLog } from './mail-log.ts';
import type { ReadEvent } from './read-state.ts';

/** Frames that go into a mailbox in one write, right behind what was read of it. */
export interface Draft {
  readonly events: readonly MailEvent[];
  /** The ids of those that a key made, by `scopedKey`. */
  readonly keyed: ReadonlyMap<string, string>;
  readonly bytes: Buffer;
}

/**
 * Resolves to true when the events are on disk, and where readers find them; false when the mailbox went away meanwhile. `onSynced` is
 * called in between. MAILBOX_BUSY when they do not count: another server has written here.
 */
export async function writeFrames(log: MailLog, draft: Draft, onSynced = (): void => {}): Promise<boolean> {
  const { events, keyed, bytes } = draft;
  const { current, context, paths } = log;
  const { size } = current;
  const isWhole = current.tail === 'none';
  appendWhole(current.fd, bytes);
  await sync(current.fd);
  onSynced();
  if (statIfThere(paths.file)?.ino !== current.ino) return false;
  if (isWhole && current.stat.size === size + bytes.length) {
    log.wrote(events, keyed, bytes.length);
    return true;
  }
  const shown: ReadEvent[] = [];
  await current.readOn((found) => {
    shown.push(...(found.events ?? []));
    log.found(found);
  });
  if (current.state.own === events.at(-1)!.id) return true;
  await keepKeys(log, draft, shown);
  const why = 'Another server uses this directory, and was quicker. Send again.';
  context.logger.error({ mailbox: paths.file }, why);
  throw new MailboxError('MAILBOX_BUSY', why);
}

/**
 * Node completes a short write by a second one. When another program's text came between the two, a message of ours may
 * have lost its fence and be shown as foreign text: its key stands for that event, and sent again it does not come twice.
 */
async function keepKeys(log: MailLog, { events, keyed }: Draft, shown: readonly ReadEvent[]): Promise<void> {
  const keys = await log.keys();
  for (const [key, id] of keyed) {
    const data = events.find((event) => event.id === id)?.data;
    const same = shown.find((event) => event.data === data);
    if (same) keys.set(key, same.id, log.context.uptimeMs());
  }
}
