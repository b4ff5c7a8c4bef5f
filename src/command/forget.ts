import { Invitations } from '../access/invitations.ts';
import { mailboxName } from '../mailbox-name.ts';
import { type StoreOptions, withMailboxes } from './open-store.ts';

/** Leaves nothing of a mailbox behind. What this person sent lies in others' mailboxes and stays there. */
export async function forget(name: string, options: StoreOptions): Promise<void> {
  const who = mailboxName(name);
  await withMailboxes(options, 'once', (mailboxes) => mailboxes.forget(who));
  new Invitations(options.dir).revoke(who);
  console.error(
    `Forgot ${who}: mailbox, mail, marks and invitation are gone. What ${who} sent to others is still with them.`,
  );
}
