import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { type MailboxName, personName } from '../mailbox-name.ts';
import { Ending, USAGE } from './ending.ts';
import type { Invocation } from './invocation.ts';
import { isTerminal } from './terminal.ts';
import { withMailboxes } from './open-store.ts';

/** Puts one message into a mailbox, durably, whether or not a server runs. */
export async function send({ words, settings }: Invocation): Promise<void> {
  const [who, ...text] = words;
  const receiver = personName(who);
  const sender = senderName(settings.as);
  const message = text.join(' ');
  checkLength(message, settings['max-message']);

  await withMailboxes(settings, 'once', async (mailboxes) => {
    const { event } = await mailboxes.append(receiver, { sender, receiver, message, key: randomUUID() });
    const said = JSON.stringify({ id: event.id, mailbox: receiver, sender, receiver, time: event.time });
    console.log(isTerminal(process.stdout) ? `Sent to ${receiver}, from ${sender}.` : said);
  });
}

function senderName(given: string): MailboxName {
  try {
    return personName(given || userInfo().username);
  } catch (error) {
    if (given) throw error;
    throw new Ending(USAGE, 'Your user name cannot be a sender.', ['Say who sends: --as <name>'], { cause: error });
  }
}

function checkLength(message: string, most: number): void {
  const { length } = Array.from(message);
  if (length === 0) throw new Ending(USAGE, 'The message is empty.');
  if (length > most) throw new Ending(USAGE, `Too long: ${length - most} characters over the limit of ${most}.`);
}
