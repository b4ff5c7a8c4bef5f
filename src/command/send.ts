import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import getRawBody from 'raw-body';
import { type MailboxName, personName } from '../words/mailbox-name.ts';
import { Ending, USAGE } from './ending.ts';
import { isKnown, type StoreOptions, withMail } from './mail.ts';
import { asRoot } from './owner.ts';
import { tell } from './terminal.ts';

interface SendOptions extends StoreOptions {
  readonly as?: string;
  readonly new: boolean;
  readonly people: readonly MailboxName[];
  readonly maxMessage: number;
}

/** The bytes of a code point in UTF-8, at most. */
const CODE_POINT_BYTES = 4;

/** Puts one message into a mailbox, durably, whether or not a server runs. The text `-` stands for standard input. */
export async function send(name: string, text: string, options: SendOptions): Promise<void> {
  const { as, maxMessage, people } = options;
  const receiver = personName(name);
  const sender = as === undefined ? await asRoot(thisUser) : personName(as);
  const message = text === '-' ? await readInput(maxMessage) : text;
  const { length } = Array.from(message);
  if (length === 0) throw new Ending(USAGE, text === '-' ? 'Standard input has no message.' : 'The message is empty.');
  if (length > maxMessage) {
    throw new Ending(USAGE, `The message has ${length} characters; at most ${maxMessage} are allowed.`);
  }
  await withMail(options, async (ask) => {
    if (!options.new && !people.includes(receiver) && !(await isKnown(receiver, options, ask))) {
      const what = `${receiver} has no mailbox and no invitation, and is not one of --people (${people.join(', ')}).`;
      throw new Ending(USAGE, what, [`If the name is right: mailbox-chat send --new ${receiver} …`]);
    }
    const sent = await ask('POST', '/messages', { sender, receiver, message, key: randomUUID() });
    const { id, time } = sent as { id: string; time: string };
    tell(`Sent to ${receiver}, from ${sender}.`, { id, mailbox: receiver, sender, receiver, time: Date.parse(time) });
  });
}

/**
 * Standard input up to its end, without its last line end. Bytes that are not UTF-8 become U+FFFD, as in an argument: the
 * output of a failed program must arrive, whatever it is.
 */
async function readInput(maxMessage: number): Promise<string> {
  try {
    const bytes = await getRawBody(process.stdin, { limit: maxMessage * CODE_POINT_BYTES + '\r\n'.length });
    return new TextDecoder().decode(bytes).replace(/\r?\n$/, '');
  } catch (cause) {
    if ((cause as getRawBody.RawBodyError).type !== 'entity.too.large') throw cause;
    const what = `The message has more than ${maxMessage} characters, which is the most that is allowed.`;
    const advice = `To send the end of it: … | tail -c ${maxMessage} | mailbox-chat send …`;
    throw new Ending(USAGE, what, [advice], { cause });
  }
}

function thisUser(): MailboxName {
  try {
    return personName(userInfo().username);
  } catch (error) {
    throw new Ending(USAGE, 'Your user name cannot be a sender.', ['Name the sender: --as <name>'], { cause: error });
  }
}
