import { Invitations } from '../access/invitations.ts';
import { mailboxName } from '../mailbox-name.ts';
import type { Invocation } from './invocation.ts';
import { withMailboxes } from './open-store.ts';

/** Leaves nothing of a mailbox behind. What this person sent lies in others' mailboxes and stays there. */
export async function forget({ words, settings }: Invocation): Promise<void> {
  const who = mailboxName(words[0]);
  await withMailboxes(settings, 'once', (mailboxes) => mailboxes.forget(who));
  new Invitations(settings.dir).revoke(who);
  console.error(
    `Forgot ${who}: mailbox, mail, marks and invitation are gone. What ${who} sent to others is still with them.`,
  );
}
