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

/** The newest changes of one message: of its text by who wrote them, and the reactions by person. */
interface Known {
  readonly ofText: Map<string, ShownChange>;
  readonly reactions: Map<string, ShownChange>;
}

const NOTHING: Known = { ofText: new Map(), reactions: new Map() };
const MAX_REACTIONS = 100;

/**
 * Folds the changes of one conversation into its messages. The newest change by id counts, in whatever order they are added. All
 * changes that a person makes in a conversation are in one mailbox, so ids suffice.
 */
export class Changes {
  readonly #ids: Pick<MailboxStore, 'compare'>;
  readonly #known = new Map<string, Known>();

  constructor(ids: Pick<MailboxStore, 'compare'>) {
    this.#ids = ids;
  }

  add(change: ShownChange): void {
    const { event, of, sender, message } = change;
    const known = this.#known.get(of) ?? { ofText: new Map(), reactions: new Map() };
    this.#known.set(of, known);
    if (event === 'react') this.#keepNewest(known.reactions, sender, change);
    else if (message !== '') this.#keepNewest(known.ofText, slotOf(change), change);
  }

  /** The message as it is after its changes. */
  fold<T extends ShownMail>(mail: T): T & Changed {
    const known = this.#known.get(mail.id) ?? NOTHING;
    const text = this.#newestOf('edit', mail, known)?.message;
    if (this.#newestOf('remove', mail, known) || (isErased(mail) && text === undefined)) {
      const { replyTo: _, files: __, ...left } = mail;
      return { ...left, message: '', removed: true } as T & Changed; // a message need not have what it has lost
    }
    const given = this.#newest(known.reactions).map(({ sender, emoji = '' }) => [sender, emoji] as const);
    const reactions = Object.fromEntries(given.filter(([, emoji]) => emoji !== ''));
    return {
      ...mail,
      ...(text !== undefined && { message: text, edited: true }),
      ...(Object.keys(reactions).length > 0 && { reactions }),
    };
  }

  #keepNewest(newest: Map<string, ShownChange>, slot: string, change: ShownChange): void {
    const other = newest.get(slot);
    if (!other || this.#ids.compare(change.id, other.id) > 0) newest.set(slot, change);
  }

  #newest(reactions: ReadonlyMap<string, ShownChange>): ShownChange[] {
    const all = [...reactions.values()];
    if (all.length <= MAX_REACTIONS) return all;
    return all.toSorted((a, b) => this.#ids.compare(a.id, b.id)).slice(-MAX_REACTIONS);
  }

  /** The newest change of this kind that counts. Nobody has checked what other programs wrote: that changes only what they wrote. */
  #newestOf(event: 'edit' | 'remove', { sender, viaFile }: ShownMail, { ofText }: Known): ShownChange | undefined {
    if (sender === null) return undefined;
    const own = ofText.get(slotOf({ event, sender }));
    const foreign = viaFile && ofText.get(slotOf({ event, sender, viaFile }));
    if (!own || !foreign) return own ?? foreign;
    return this.#ids.compare(own.id, foreign.id) > 0 ? own : foreign;
  }
}

function slotOf(change: Pick<ShownChange, 'event' | 'sender' | 'viaFile'>): string {
  return `${change.event} ${change.sender}${change.viaFile ? ' via a file' : ''}`;
}
