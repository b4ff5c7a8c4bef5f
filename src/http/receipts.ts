import { z } from 'zod';
import type { Live } from '../live.ts';
import { MailboxError } from '../mailbox-error.ts';
import { isRoom, personName, type MailboxName } from '../mailbox-name.ts';
import type { MailboxStore, MarkName } from '../mailbox-store.ts';
import { messageOf } from '../stored-message.ts';
import { sendNothing } from './answer.ts';
import { readFields } from './body.ts';
import type { Chat } from './chat.ts';
import { checkCursor } from './cursor.ts';
import type { Handler } from './request.ts';

const Fields = z.object({
  receiver: z.string(),
  sender: z.string().optional(),
  delivered: z.string().optional(),
  read: z.string().optional(),
});
const MAX_BYTES = 4096;
const MAX_TOLD = 200;

/** `POST /receipts` {receiver, sender?, delivered?, read?}: up to which id mail has come, and been read. */
export function postReceipts({ receipts, store, door }: Chat): Handler {
  return async (req, res) => {
    const fields = Fields.safeParse(await readFields(req, MAX_BYTES));
    if (!fields.success) {
      throw new MailboxError('INVALID_REQUEST', 'A receipt is {receiver, sender?, delivered?, read?}, each a text.');
    }
    const { delivered, read } = fields.data;
    const receiver = personName(fields.data.receiver);
    const sender = read === undefined ? undefined : personName(fields.data.sender);
    await door.admit(req, receiver);
    const { newest } = await store.ends(receiver);
    if (delivered !== undefined) checkCursor(delivered, newest, store, 'delivered');
    if (read !== undefined) checkCursor(read, newest, store, 'read');

    if (delivered !== undefined) await receipts.delivered(receiver, delivered);
    if (sender !== undefined && read !== undefined) await receipts.read(receiver, sender, read);
    sendNothing(res);
  };
}

/** Moves marks, and tells the senders whose messages they have passed. A room has none. */
export class Receipts {
  readonly #store: MailboxStore;
  readonly #live: Live;

  constructor(store: MailboxStore, live: Live) {
    this.#store = store;
    this.#live = live;
  }

  async delivered(mailbox: MailboxName, upTo: string): Promise<void> {
    const before = await this.#move(mailbox, 'delivered', upTo);
    if (before === undefined) return;
    for (const sender of await this.#sendersBetween(mailbox, before, upTo))
      this.#tell(sender, 'delivered', mailbox, upTo);
  }

  async read(mailbox: MailboxName, sender: MailboxName, upTo: string): Promise<void> {
    await this.delivered(mailbox, upTo); // what was read has come
    const before = await this.#move(mailbox, `read:${sender}`, upTo);
    if (before !== undefined) this.#tell(sender, 'read', mailbox, upTo);
  }

  /** Where the mark stood before, or undefined when it is there already. */
  async #move(mailbox: MailboxName, name: MarkName, upTo: string): Promise<string | undefined> {
    if (isRoom(mailbox)) return undefined;
    const before = (await this.#store.marks(mailbox))[name] ?? (await this.#store.ends(mailbox)).oldest;
    if (this.#store.compare(upTo, before) <= 0) return undefined;
    await this.#store.mark(mailbox, name, upTo);
    return before;
  }

  async #sendersBetween(mailbox: MailboxName, after: string, upTo: string): Promise<Set<string>> {
    const senders = new Set<string>();
    const { events } = await this.#store.read(mailbox, after, MAX_TOLD);
    for (const { id, data } of events) {
      const message = messageOf(data);
      if (message && this.#store.compare(id, upTo) <= 0) senders.add(message.sender);
    }
    return senders;
  }

  #tell(sender: string, name: 'delivered' | 'read', receiver: MailboxName, upTo: string): void {
    this.#live.publish({ to: sender, name, data: JSON.stringify({ receiver, upTo }) });
  }
}
