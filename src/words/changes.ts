import type { MailboxStore } from './mailbox-store.ts';
import type { ShownChange } from './shown-change.ts';
import { isErased, type ShownMail } from './shown-mail.ts';

/** What became of a message. */
export interface Changed {
  readonly edited?: true;
  /** Its text and files are gone. */
  readonly removed?: true;
  /** The emoji of each person who has reacted. */
  readonly reactions?: Readonly<Record<string, string>>;
}

const MAX_REACTIONS = 100;

/**
 * Folds the changes of one conversation into its messages. The newest change by id counts, in whatever order they are added. All
 * changes that a person makes in a conversation are in one mailbox, so ids suffice.
 */
export class Changes {
  readonly #ids: Pick<MailboxStore, 'compare'>;
  /** For each message: the newest edit and removal by each writer, and the newest reaction of each person. */
  readonly #known = new Map<string, Map<string, ShownChange>>();

  constructor(ids: Pick<MailboxStore, 'compare'>) {
    this.#ids = ids;
  }

  add(change: ShownChange): void {
    if (change.event === 'edit' && change.message === '') return; // its text was erased
    const known = this.#known.get(change.of) ?? new Map<string, ShownChange>();
    this.#known.set(change.of, known);
    const other = known.get(slotOf(change));
    if (!other || this.#ids.compare(change.id, other.id) > 0) known.set(slotOf(change), change);
  }

  /** The message as it is after its changes. */
  fold<T extends ShownMail>(mail: T): T & Changed {
    const text = this.#newestOf('edit', mail)?.message;
    if (this.#newestOf('remove', mail) || (isErased(mail) && text === undefined)) {
      const { replyTo: _, files: __, ...left } = mail;
      return { ...left, message: '', removed: true } as T & Changed; // a message need not have what it has lost
    }
    const given = this.#reactionsTo(mail.id).map(({ sender, emoji = '' }) => [sender, emoji] as const);
    const reactions = Object.fromEntries(given.filter(([, emoji]) => emoji !== ''));
    return {
      ...mail,
      ...(text !== undefined && { message: text, edited: true }),
      ...(Object.keys(reactions).length > 0 && { reactions }),
    };
  }

  #reactionsTo(id: string): ShownChange[] {
    const all = Array.from(this.#known.get(id)?.values() ?? []).filter(({ event }) => event === 'react');
    if (all.length <= MAX_REACTIONS) return all;
    return all.toSorted((a, b) => this.#ids.compare(a.id, b.id)).slice(-MAX_REACTIONS);
  }

  /** The newest change of this kind that counts. Nobody has checked what other programs wrote: that changes only what they wrote. */
  #newestOf(event: 'edit' | 'remove', { id, sender, viaFile }: ShownMail): ShownChange | undefined {
    const known = this.#known.get(id);
    if (sender === null || !known) return undefined;
    const own = known.get(slotOf({ event, sender }));
    const foreign = viaFile && known.get(slotOf({ event, sender, viaFile }));
    if (!own || !foreign) return own ?? foreign;
    return this.#ids.compare(own.id, foreign.id) > 0 ? own : foreign;
  }
}

function slotOf({ event, sender, viaFile }: Pick<ShownChange, 'event' | 'sender' | 'viaFile'>): string {
  return `${event} ${sender}${viaFile && event !== 'react' ? ' via a file' : ''}`;
}
