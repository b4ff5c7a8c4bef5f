/** Something to tell open pages now and never again: it is stored nowhere, and moves no cursor. */
export interface Notice {
  /** Whom it is for: a person, a room, or `presence:<who>` for those who want to know about somebody. */
  readonly to: string;
  /** The event's name on the stream. */
  readonly name: string;
  /** One line of JSON. */
  readonly data: string;
}

/** Whether somebody is here, in this process or another. `lastSeen` is Unix ms, null when not known. */
export interface Presence {
  readonly online: boolean;
  readonly lastSeen: number | null;
}

/** What running servers tell each other and their pages: who is here, who types, what was sent and read. */
export interface Live {
  publish(notice: Notice): void;
  /** Calls `hear` with every notice for `to`, whichever process it comes from. Returns the way to stop. */
  listen(to: string, hear: (notice: Notice) => void): () => void;
  /** Somebody's page has opened, in a room or on its own. Returns what to call when it has closed. */
  arrive(person: string, room?: string): () => void;
  /** As far as is known here: of people that somebody here listens about, and of everybody in one process. */
  presence(person: string, room?: string): Presence;
  /** The same of anybody, by the word of every process. */
  ask(person: string): Promise<Presence>;
  /** Who is in a room. */
  inRoom(room: string): string[];
  close(): void;
}

/** A page that reloads is not a person who left. */
const GRACE_MS = 10_000;
const MAX_LAST_SEEN = 10_000;
const BETWEEN = '/';

/** Live notices within one process; what it says can be carried further, and what others say brought in. */
export class LocalLive implements Live {
  readonly #listeners = new Map<string, Set<(notice: Notice) => void>>();
  /** Open pages by who and where. */
  readonly #pages = new Map<string, number>();
  readonly #leaving = new Map<string, NodeJS.Timeout>();
  readonly #here = new Set<string>();
  readonly #lastSeen = new Map<string, number>();

  publish(notice: Notice): void {
    this.hear(notice);
  }

  /** Passes a notice to the pages of this process. */
  protected hear(notice: Notice): void {
    for (const hear of this.#listeners.get(notice.to) ?? []) hear(notice);
  }

  listen(to: string, hear: (notice: Notice) => void): () => void {
    let listeners = this.#listeners.get(to);
    if (!listeners) this.#listeners.set(to, (listeners = new Set()));
    listeners.add(hear);
    return () => {
      listeners.delete(hear);
      if (listeners.size === 0 && this.#listeners.get(to) === listeners) this.#listeners.delete(to);
    };
  }

  arrive(person: string, room?: string): () => void {
    const where = placeOf(person, room);
    this.#pages.set(where, (this.#pages.get(where) ?? 0) + 1);
    clearTimeout(this.#leaving.get(where));
    this.#leaving.delete(where);
    if (!this.#here.has(where)) {
      this.#here.add(where);
      this.changed(where, true);
    }
    let isOpen = true;
    return () => {
      if (isOpen) this.#closePage(where);
      isOpen = false;
    };
  }

  presence(person: string, room?: string): Presence {
    const where = placeOf(person, room);
    return { online: this.isHere(where), lastSeen: this.#lastSeen.get(where) ?? null };
  }

  // eslint-disable-next-line typescript/require-await -- others have to ask
  async ask(person: string): Promise<Presence> {
    return this.presence(person);
  }

  inRoom(room: string): string[] {
    return this.places()
      .filter((where) => where.startsWith(room + BETWEEN))
      .map((where) => where.slice(room.length + BETWEEN.length));
  }

  /** Forgets everybody without a word; timers end. */
  close(): void {
    for (const timer of this.#leaving.values()) clearTimeout(timer);
    this.#leaving.clear();
    this.#listeners.clear();
  }

  protected isHere(where: string): boolean {
    return this.#here.has(where);
  }

  /** Every `person` or `room/person` that is here. */
  protected places(): string[] {
    return [...this.#here];
  }

  /** Somebody came to this process or left it for good. */
  protected changed(where: string, online: boolean): void {
    if (!online) this.sawLast(where, Date.now());
    this.tellPresence(where);
  }

  protected sawLast(where: string, time: number): void {
    this.#lastSeen.delete(where);
    this.#lastSeen.set(where, time);
    if (this.#lastSeen.size > MAX_LAST_SEEN) this.#lastSeen.delete(this.#lastSeen.keys().next().value!);
  }

  /** Tells the pages of this process how it stands with somebody. */
  protected tellPresence(where: string): void {
    const [room, person] = splitPlace(where);
    const { online, lastSeen } = this.presence(person, room);
    if (room === undefined)
      this.hear({ to: `presence:${person}`, name: 'presence', data: JSON.stringify({ person, online, lastSeen }) });
    else {
      const count = this.inRoom(room).length;
      this.hear({ to: room, name: 'presence', data: JSON.stringify({ person, online, lastSeen, room, count }) });
    }
  }

  #closePage(where: string): void {
    const pages = this.#pages.get(where)! - 1;
    if (pages > 0) {
      this.#pages.set(where, pages);
      return;
    }
    this.#pages.delete(where);
    const leave = (): void => {
      this.#leaving.delete(where);
      this.#here.delete(where);
      this.changed(where, false);
    };
    this.#leaving.set(where, setTimeout(leave, GRACE_MS).unref());
  }
}

function placeOf(person: string, room: string | undefined): string {
  return room === undefined ? person : room + BETWEEN + person;
}

/** What `arrive` was called with. */
export function splitPlace(where: string): [room: string | undefined, person: string] {
  const at = where.indexOf(BETWEEN);
  return at === -1 ? [undefined, where] : [where.slice(0, at), where.slice(at + 1)];
}
