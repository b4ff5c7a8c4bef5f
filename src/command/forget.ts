import { Invitations } from '../access/invitations.ts';
import { mailboxName } from '../words/mailbox-name.ts';
import { Ending, RUNTIME } from './ending.ts';
import { isKnown, type StoreOptions, withMail } from './mail.ts';

/** Deletes a mailbox with all that belongs to it. What this person sent is in others' mailboxes and stays there. */
export async function forget(name: string, options: StoreOptions): Promise<void> {
  const who = mailboxName(name);
  await withMail(options, async (ask) => {
    if (!(await isKnown(who, options, ask))) {
      throw new Ending(RUNTIME, `${who} has no mailbox and no invitation: there is nothing to forget.`);
    }
    await ask('DELETE', `/mailbox?receiver=${encodeURIComponent(who)}`);
  });
  new Invitations(options.dir).revoke(who);
  console.error(
    `Forgot ${who}: mailbox, mail, marks and invitation are gone. What ${who} sent stays in the mailboxes of others.`,
  );
}
