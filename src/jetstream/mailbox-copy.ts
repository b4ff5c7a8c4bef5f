import { mailAfter } from '../words/follow.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore, MailEvent, MarkName } from '../words/mailbox-store.ts';
import type { JetStreamMailboxes } from './jetstream-mailboxes.ts';
import type { NewIds } from './new-ids.ts';

export interface Copied {
  readonly mailbox: MailboxName;
  /** Events that were copied now, and those that had been copied before. */
  readonly copied: number;
  readonly before: number;
}

/** Where mail and marks come from, where they go, and the ids that they get there. */
interface Way {
  readonly from: MailboxStore;
  readonly to: JetStreamMailboxes;
  readonly ids: NewIds;
}

/** Copies one mailbox, event by event. */
export class MailboxCopy {
  readonly mailbox: MailboxName;
  readonly #way: Way;
  #marks: [MarkName, string][] = [];
  /** Each mark of the cluster moves to the last event that is not after the same mark of the files. */
  readonly #newMarks = new Map<MarkName, string>();
  #waiting: MailEvent[] = [];
  #cursor = '';
  #last: Promise<unknown> = Promise.resolve();
  #copied = 0;
  #before = 0;

  constructor(mailbox: MailboxName, way: Way) {
    this.mailbox = mailbox;
    this.#way = way;
  }

  /** Finds out what was copied before. */
  async begin(): Promise<void> {
    const { from, to, ids } = this.#way;
    this.#marks = Object.entries(await from.marks(this.mailbox)) as [MarkName, string][];
    this.#cursor = (await from.ends(this.mailbox)).oldest;
    for await (const { was, id } of to.broughtIn(this.mailbox)) {
      ids.set(this.mailbox, was, Promise.resolve(id));
      this.#pass(was, id);
      this.#cursor = was;
      this.#before += 1;
    }
  }

  get hasNext(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether its next event came before that of another mailbox. */
  comesBefore(other: MailboxCopy): boolean {
    const [own, others] = [this.#waiting[0]!, other.#waiting[0]!];
    return own.time < others.time || (own.time === others.time && this.#way.from.compare(own.id, others.id) < 0);
  }

  /** Reads what comes next, unless something waits. Rejects if an event could not be copied. */
  async readOn(): Promise<void> {
    if (this.hasNext) return;
    await this.#last;
    // A gap is no reason to stop: what the files dropped in the meantime was old.
    const mail = await mailAfter(this.#cursor, this.mailbox, this.#way.from);
    this.#waiting = [...(mail?.events ?? [])];
    this.#cursor = mail?.cursor ?? this.#cursor;
  }

  /** Resolves once the next event is in the cluster. Before that, the one after it may be asked for. */
  copyNext(): Promise<void> {
    const { to, ids } = this.#way;
    const event = this.#waiting.shift()!;
    const copying = this.#last.then(async () => to.bringIn(this.mailbox, await ids.renew(this.mailbox, event)));
    ids.set(this.mailbox, event.id, copying);
    const copied = copying.then((id) => {
      this.#pass(event.id, id);
      this.#copied += 1;
    });
    this.#last = copied;
    return copied;
  }

  async finish(): Promise<Copied> {
    await this.#last;
    for (const [name, id] of this.#newMarks) await this.#way.to.mark(this.mailbox, name, id);
    return { mailbox: this.mailbox, copied: this.#copied, before: this.#before };
  }

  #pass(was: string, id: string): void {
    for (const [name, mark] of this.#marks) if (this.#way.from.compare(was, mark) <= 0) this.#newMarks.set(name, id);
  }
}
