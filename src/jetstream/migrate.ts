import { mailAfter } from '../words/follow.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore, MarkName } from '../words/mailbox-store.ts';
import type { JetStreamMailboxes } from './jetstream-mailboxes.ts';

/** How many mailboxes are copied at once; the events of each go one by one. */
const AT_ONCE = 16;

export interface Copied {
  readonly mailbox: MailboxName;
  /** Events that were copied now, and those that had been copied before. */
  readonly copied: number;
  readonly before: number;
}

/**
 * Copies the mail and marks of mailboxes to a cluster, oldest mail first; what is there already stays. Calls `say` after
 * each mailbox. Resolves to those that could not be copied completely, and why. A second run goes on where it stopped.
 */
export async function copyMailboxes(
  mailboxes: readonly MailboxName[],
  from: MailboxStore,
  to: JetStreamMailboxes,
  say: (done: Copied) => void,
): Promise<Map<MailboxName, unknown>> {
  const failed = new Map<MailboxName, unknown>();
  const waiting = mailboxes.values();
  const copySome = async (): Promise<void> => {
    for (const mailbox of waiting) {
      try {
        say(await copyMailbox(mailbox, from, to));
      } catch (error) {
        failed.set(mailbox, error);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, copySome));
  return failed;
}

async function copyMailbox(mailbox: MailboxName, from: MailboxStore, to: JetStreamMailboxes): Promise<Copied> {
  await from.drain(mailbox);
  const marks = Object.entries(await from.marks(mailbox)) as [MarkName, string][];
  const newMarks = new Map<MarkName, string>();
  /** Each mark of the cluster moves to the last event that is not after the same mark of the files. */
  const pass = (was: string, id: string): void => {
    for (const [name, mark] of marks) if (from.compare(was, mark) <= 0) newMarks.set(name, id);
  };

  let [before, copied] = [0, 0];
  let last = (await from.ends(mailbox)).oldest;
  for await (const { was, id } of to.broughtIn(mailbox)) {
    pass(was, id);
    last = was;
    before += 1;
  }
  // A gap is no reason to stop: what the files dropped in the meantime was old.
  for (let mail; (mail = await mailAfter(last, mailbox, from)); last = mail.cursor) {
    for (const event of mail.events) pass(event.id, await to.bringIn(mailbox, event));
    copied += mail.events.length;
  }
  for (const [name, id] of newMarks) await to.mark(mailbox, name, id);
  return { mailbox, copied, before };
}
