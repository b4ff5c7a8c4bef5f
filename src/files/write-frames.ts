import { MailboxError } from '../words/mailbox-error.ts';
import type { MailEvent } from '../words/mailbox-store.ts';
import { appendWhole, statIfThere, sync } from './disk.ts';
import type { MailLog } from './mail-log.ts';
import type { ReadEvent } from './read-state.ts';

/** Frames to be written into a mailbox in one write, right behind what was read of it. */
export interface Draft {
  readonly events: readonly MailEvent[];
  /** The ids of messages by their scoped keys. */
  readonly keyed: ReadonlyMap<string, string>;
  readonly bytes: Buffer;
}

/**
 * Resolves to true once the events are on disk and in the file that readers find, to false if that is another file by
 * now. `onSynced` is called after the sync. MAILBOX_BUSY if the events do not count, because another server wrote here.
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
  const why = 'Another server is writing to this directory, and wrote first. Send again.';
  context.logger.error({ mailbox: paths.file }, why);
  throw new MailboxError('MAILBOX_BUSY', why);
}

/**
 * Node completes a short write by a second one. If another program's text came between the two, a message of ours may have
 * lost its fence and be shown as foreign text. Its key then stands for that event, so a retry does not show it twice.
 */
async function keepKeys(log: MailLog, { events, keyed }: Draft, shown: readonly ReadEvent[]): Promise<void> {
  const keys = await log.keys();
  for (const [key, id] of keyed) {
    const data = events.find((event) => event.id === id)?.data;
    const same = shown.find((event) => event.data === data);
    if (same) keys.set(key, same.id, log.context.uptimeMs());
  }
}
