import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { type MailboxName, personName } from '../mailbox-name.ts';
import { Ending, USAGE } from './ending.ts';
import { type StoreOptions, withMailboxes } from './open-store.ts';
import { tell } from './terminal.ts';

interface SendOptions extends StoreOptions {
  readonly as?: string;
  readonly maxMessage: number;
}

/** Puts one message into a mailbox, durably, whether or not a server runs. */
export async function send(name: string, message: string, { as, maxMessage, ...where }: SendOptions): Promise<void> {
  const receiver = personName(name);
  const sender = as === undefined ? thisUser() : personName(as);
  const { length } = Array.from(message);
  if (length === 0) throw new Ending(USAGE, 'The message is empty.');
  if (length > maxMessage) {
    throw new Ending(USAGE, `Too long: ${length - maxMessage} characters over the limit of ${maxMessage}.`);
  }
  await withMailboxes(where, 'once', async (mailboxes) => {
    const { event } = await mailboxes.append(receiver, { sender, receiver, message, key: randomUUID() });
    const { id, time } = event;
    tell(`Sent to ${receiver}, from ${sender}.`, { id, mailbox: receiver, sender, receiver, time });
  });
}

function thisUser(): MailboxName {
  try {
    return personName(userInfo().username);
  } catch (error) {
    throw new Ending(USAGE, 'Your user name cannot be a sender.', ['Say who sends: --as <name>'], { cause: error });
  }
}
