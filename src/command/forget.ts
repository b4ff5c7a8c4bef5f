import { Invitations } from '../access/invitations.ts';
import { mailboxName, type MailboxName } from '../mailbox-name.ts';
import type { MailboxStore } from '../mailbox-store.ts';
import { Ending, RUNTIME } from './ending.ts';
import { isKnown, type StoreOptions, withMailboxes } from './open-store.ts';

/** Leaves nothing of a mailbox behind. What this person sent lies in others' mailboxes and stays there. */
export async function forget(name: string, options: StoreOptions): Promise<void> {
  const who = mailboxName(name);
  await withMailboxes(options, 'once', async (mailboxes) => {
    if (!(await isKnown(who, options, mailboxes))) {
      throw new Ending(RUNTIME, `${who} has no mailbox and no invitation: there is nothing to forget.`);
    }
    await forgetIn(mailboxes, who);
  });
  new Invitations(options.dir).revoke(who);
  console.error(`Forgot ${who}: mailbox, mail, marks and invitation are gone. What ${who} sent stays with others.`);
}

/** Refuses when the store has no way to forget. */
export async function forgetIn(store: MailboxStore, who: MailboxName): Promise<void> {
  if (store.forget) return store.forget(who);
  throw new Ending(RUNTIME, `This store cannot forget: the mail of ${who} is still there, and nothing was changed.`, [
    'Remove it by the means of the store itself.',
  ]);
}
