import type { MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore } from '../words/mailbox-store.ts';
import type { JetStreamMailboxes } from './jetstream-mailboxes.ts';
import { MailboxCopy, type Copied } from './mailbox-copy.ts';
import { NewIds } from './new-ids.ts';

/** How many mailboxes are looked through, or events copied, at once. The events of a mailbox go one by one. */
const AT_ONCE = 16;

/**
 * Copies the mail and marks of mailboxes to a cluster; what is there already stays. All mail goes in the order in which it
 * came, so the new id of a message is known when a reply or a change names it. Calls `say` after each mailbox. Resolves to
 * those that could not be copied completely, and why. A second run goes on where it stopped.
 */
export async function copyMailboxes(
  mailboxes: readonly MailboxName[],
  from: MailboxStore,
  to: JetStreamMailboxes,
  say: (done: Copied) => void,
): Promise<Map<MailboxName, unknown>> {
  const failed = new Map<MailboxName, unknown>();
  const ids = new NewIds(from);
  const queue: MailboxCopy[] = []; // the one whose mail came first is the last
  const attempt = (mailbox: MailboxName, work: () => Promise<void>): Promise<unknown> =>
    work().catch((error: unknown) => failed.set(mailbox, error));
  const copyOn = async (copy: MailboxCopy): Promise<void> => {
    await copy.readOn();
    if (copy.hasNext) insert(queue, copy);
    else say(await copy.finish());
  };

  await someAtOnce(mailboxes, (mailbox) => attempt(mailbox, () => ids.lookThrough(mailbox)));
  await someAtOnce(mailboxes, (mailbox) =>
    attempt(mailbox, async () => {
      const copy = new MailboxCopy(mailbox, { from, to, ids });
      await copy.begin();
      await copyOn(copy);
    }),
  );
  const underWay = new Set<Promise<unknown>>();
  while (queue.length > 0) {
    const copy = queue.pop()!;
    const copied = copy.copyNext().catch(() => undefined); // the next `copyOn` or the one after it rejects, too
    const over = copied.finally(() => underWay.delete(over));
    underWay.add(over);
    if (underWay.size >= AT_ONCE) await Promise.race(underWay);
    await attempt(copy.mailbox, () => copyOn(copy));
  }
  return failed;
}

async function someAtOnce(
  mailboxes: readonly MailboxName[],
  work: (name: MailboxName) => Promise<unknown>,
): Promise<void> {
  const waiting = mailboxes.values();
  const workOn = async (): Promise<void> => {
    for (const mailbox of waiting) await work(mailbox);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, workOn));
}

/** Puts it behind those whose mail came later. */
function insert(queue: MailboxCopy[], copy: MailboxCopy): void {
  let [low, high] = [0, queue.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (copy.comesBefore(queue[middle]!)) low = middle + 1;
    else high = middle;
  }
  queue.splice(low, 0, copy);
}
