import { Invitations } from '../access/invitations.ts';
import { mailboxName } from '../mailbox-name.ts';
import { Ending, RUNTIME } from './ending.ts';
import { isKnown, type StoreOptions, withMailboxes } from './open-store.ts';

/** Leaves nothing of a mailbox behind. What this person sent lies in others' mailboxes and stays there. */
export async function forget(name: string, options: StoreOptions): Promise<void> {
  const who = mailboxName(name);
  await withMailboxes(options, 'once', async (mailboxes) => {
    if (await isKnown(who, options, mailboxes)) return mailboxes.forget(who);
    throw new Ending(RUNTIME, `${who} has no mailbox and no invitation: there is nothing to forget.`);
  });
  new Invitations(options.dir).revoke(who);
  console.error(`Forgot ${who}: mailbox, mail, marks and invitation are gone. What ${who} sent stays with others.`);
}
