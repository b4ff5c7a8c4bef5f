import { mailAfter } from '../words/follow.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore, MarkName } from '../words/mailbox-store.ts';
import type { JetStreamMailboxes } from './jetstream-mailboxes.ts';

/** Mailboxes that are copied at once; in each, one event goes after the other. */
const AT_ONCE = 16;

export interface Copied {
  readonly mailbox: MailboxName;
  /** Events that were copied now, and that had been copied before. */
  readonly copied: number;
  readonly before: number;
}

/**
 * Copies mailboxes, mail and marks, to a cluster, oldest mail first; what is there already stays. Tells each
 * that is done. Resolves to those that could not be copied completely, and why. Run again, it goes on where it stopped.
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
  /** A mark of the cluster stands at the last event that was brought in and is not behind that of the files. */
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
  // What was dropped from the files meanwhile was old: a gap is no reason to stop.
  for (let mail; (mail = await mailAfter(last, mailbox, from)); last = mail.cursor) {
    for (const event of mail.events) pass(event.id, await to.bringIn(mailbox, event));
    copied += mail.events.length;
  }
  for (const [name, id] of newMarks) await to.mark(mailbox, name, id);
  return { mailbox, copied, before };
}
