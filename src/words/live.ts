/** A message to open pages that is not mail: it is not stored, and moves no cursor. */
export interface Notice {
  /** The person or room that it is for, or `presence:<who>`, for those who want to know whether somebody is there. */
  readonly to: string;
  /** The event's name on the stream. */
  readonly name: string;
  /** One line of JSON. */
  readonly data: string;
}

/** Whether a person has a page open, in this process or another. `lastSeen`: Unix ms, null if not known. */
export interface Presence {
  readonly online: boolean;
  readonly lastSeen: number | null;
}

/** Notices among servers and their pages: who is online, who is typing, what was sent and read. */
export interface Live {
  publish(notice: Notice): void;
  /** Calls `hear` with each notice for `to`, from any process. Returns a function that stops this. */
  listen(to: string, hear: (notice: Notice) => void): () => void;
  /** A person has opened a page, in a room or not. Returns a function to call when it is closed. */
  arrive(person: string, room?: string): () => void;
  /** As far as this process knows: if there are several, it knows only about people that its pages listen for. */
  presence(person: string, room?: string): Presence;
  /** Asks every process. */
  ask(person: string): Promise<Presence>;
  /** The people in a room. */
  inRoom(room: string): string[];
  close(): void;
}

/** A person is still online for this long after the last page has closed, which may only be a reload. */
const GRACE_MS = 10_000;
const MAX_LAST_SEEN = 10_000;
const BETWEEN = '/';
/** The name of this process among those that have a person's page open. */
const HERE = 'here';

interface Listeners {
  readonly hears: Set<(notice: Notice) => void>;
  readonly stop: () => void;
}

/** Live notices within one process. A subclass exchanges them with other processes. */
export class LocalLive implements Live {
  readonly #listeners = new Map<string, Listeners>();
  /** How many pages of this process are open, by place: `person` or `room/person`. */
  readonly #pages = new Map<string, number>();
  readonly #leaving = new Map<string, NodeJS.Timeout>();
  /** The processes that have a page open, by place. */
  readonly #places = new Map<string, readonly string[]>();
  readonly #lastSeen = new Map<string, number>();

  publish(notice: Notice): void {
    this.hear(notice);
  }

  listen(to: string, hear: (notice: Notice) => void): () => void {
    let listeners = this.#listeners.get(to);
    if (!listeners) this.#listeners.set(to, (listeners = { hears: new Set(), stop: this.attend(to) }));
    const { hears, stop } = listeners;
    hears.add(hear);
    return () => {
      if (!hears.delete(hear) || hears.size > 0) return;
      if (this.#listeners.get(to)?.hears === hears) this.#listeners.delete(to);
      stop();
    };
  }

  arrive(person: string, room?: string): () => void {
    const where = placeOf(person, room);
    this.#pages.set(where, (this.#pages.get(where) ?? 0) + 1);
    clearTimeout(this.#leaving.get(where));
    this.#leaving.delete(where);
    if (!this.#places.get(where)?.includes(HERE)) this.moved(where, { online: true });
    let isOpen = true;
    return () => {
      if (isOpen) this.#closePage(where);
      isOpen = false;
    };
  }

  presence(person: string, room?: string): Presence {
    const where = placeOf(person, room);
    return { online: this.#places.has(where), lastSeen: this.#lastSeen.get(where) ?? null };
  }

  ask(person: string): Promise<Presence> {
    return Promise.resolve(this.presence(person));
  }

  inRoom(room: string): string[] {
    const inside = Array.from(this.#places.keys()).filter((where) => where.startsWith(room + BETWEEN));
    return inside.map((where) => splitPlace(where)[1]);
  }

  /** Ends timers, and tells nobody. */
  close(): void {
    for (const timer of this.#leaving.values()) clearTimeout(timer);
    this.#leaving.clear();
    this.#listeners.clear();
  }

  /** Passes a notice to the pages of this process. */
  protected hear(notice: Notice): void {
    for (const hear of this.#listeners.get(notice.to)?.hears ?? []) hear(notice);
  }

  /** A page of this process begins to listen. Returns a function to call when none does any more. */
  protected attend(_to: string): () => void {
    return () => {};
  }

  /** A person came to this process, or left it. */
  protected moved(where: string, { online }: { readonly online: boolean }): void {
    if (online) this.came(HERE, where);
    else this.left(HERE, where, Date.now());
  }

  /** The places that have pages open in a process. */
  protected placesOn(process = HERE): string[] {
    return [...this.#places].flatMap(([where, processes]) => (processes.includes(process) ? [where] : []));
  }

  protected came(process: string, where: string): void {
    const processes = this.#places.get(where) ?? [];
    if (processes.includes(process)) return;
    this.#places.set(where, processes.concat(process)); // a spread would keep room for 16 more: 130 bytes a person
    if (processes.length === 0) this.#tellPresence(where);
  }

  protected left(process: string, where: string, at: number): void {
    const others = this.#places.get(where)?.filter((other) => other !== process) ?? [];
    if (others.length > 0) {
      this.#places.set(where, others);
      return;
    }
    this.#places.delete(where);
    this.#lastSeen.delete(where); // keeps the map in the order of leaving
    this.#lastSeen.set(where, at);
    if (this.#lastSeen.size > MAX_LAST_SEEN) this.#lastSeen.delete(this.#lastSeen.keys().next().value!);
    this.#tellPresence(where);
  }

  /** A process has gone, and with it everyone who has no page elsewhere. */
  protected lost(process: string): void {
    for (const where of this.placesOn(process)) this.left(process, where, Date.now());
  }

  /** No page of this process listens any more: what other processes said would become outdated. */
  protected forgetOthers(who: string): void {
    for (const [where, processes] of this.#places) {
      if (whoOf(where) !== who) continue;
      if (processes.includes(HERE)) this.#places.set(where, [HERE]);
      else this.#places.delete(where);
    }
  }

  /** Tells the pages of this process whether a person is online. */
  #tellPresence(where: string): void {
    const [room, person] = splitPlace(where);
    const presence = { person, ...this.presence(person, room) };
    const data = room === undefined ? presence : { ...presence, room, count: this.inRoom(room).length };
    this.hear({ to: room ?? `presence:${person}`, name: 'presence', data: JSON.stringify(data) });
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
      this.moved(where, { online: false });
    };
    this.#leaving.set(where, setTimeout(leave, GRACE_MS).unref());
  }
}

function placeOf(person: string, room: string | undefined): string {
  return room === undefined ? person : room + BETWEEN + person;
}

/** The room and person of a place. */
function splitPlace(where: string): [room: string | undefined, person: string] {
  const at = where.indexOf(BETWEEN);
  return at === -1 ? [undefined, where] : [where.slice(0, at), where.slice(at + 1)];
}

/** The room of a place, or its person if there is none. */
export function whoOf(where: string): string {
  return where.split(BETWEEN, 1)[0]!;
}
