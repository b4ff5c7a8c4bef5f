import { mailAfter } from '../words/follow.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore, MailEvent } from '../words/mailbox-store.ts';
import { changeOf } from '../words/change-data.ts';
import { fieldsOf, messageOf } from '../words/message-data.ts';
import { originOf } from '../words/shown-mail.ts';

/** The fields that name another message. */
const FIELDS = ['of', 'replyTo'] as const;

/** The ids that messages have got in another store. It keeps only those that some mail names. */
export class NewIds {
  readonly #from: MailboxStore;
  readonly #named = new Set<string>();
  readonly #ids = new Map<string, Promise<string | undefined>>();

  constructor(from: MailboxStore) {
    this.#from = from;
  }

  /** Finds the ids that the mail of a mailbox names. */
  async lookThrough(mailbox: MailboxName): Promise<void> {
    await this.#from.drain(mailbox);
    let { oldest: cursor } = await this.#from.ends(mailbox);
    for (let mail; (mail = await mailAfter(cursor, mailbox, this.#from)); cursor = mail.cursor) {
      for (const { data } of mail.events) for (const [, id] of this.#namesIn(data)) this.#named.add(id);
    }
  }

  set(mailbox: MailboxName, was: string, id: Promise<string>): void {
    const idIfCopied = id.catch(() => undefined);
    if (this.#named.has(was)) this.#ids.set(`${mailbox} ${was}`, idIfCopied);
  }

  /** An event, with the new ids of the messages that it names: of this mailbox, or of its sender's. Others stay as they are. */
  async renew(mailbox: MailboxName, event: MailEvent): Promise<MailEvent> {
    const said = changeOf(event) ?? messageOf(event.data);
    const sender = said && originOf(mailbox, event, said)?.sender;
    const fields: Record<string, string> = {};
    for (const [field, was] of sender ? this.#namesIn(event.data) : []) {
      fields[field] = (await (this.#ids.get(`${mailbox} ${was}`) ?? this.#ids.get(`${sender} ${was}`))) ?? was;
    }
    if (Object.keys(fields).length === 0) return event;
    return { ...event, data: JSON.stringify({ ...fieldsOf(event.data), ...fields }) };
  }

  #namesIn(data: string): (readonly [string, string])[] {
    const said = fieldsOf(data);
    return FIELDS.flatMap((field) => {
      const id = said[field];
      return typeof id === 'string' && this.#from.isId(id) ? [[field, id] as const] : [];
    });
  }
}
