import type { Msg, Subscription } from '@nats-io/transport-node';
import { randomBytes } from 'node:crypto';
import { LocalLive, splitPlace, type Notice, type Presence } from '../live.ts';
import type { Logger } from '../logger.ts';
import { ROOM_PREFIX } from '../mailbox-name.ts';
import type { Cluster } from './cluster.ts';
import { tokenOf } from './streams.ts';

/** What servers say to each other about somebody's coming and going. */
type Word =
  | { readonly from: string; readonly on: string }
  | { readonly from: string; readonly off: string; readonly at: number }
  | { readonly from: string; readonly here: readonly string[] };

const BEAT_MS = 5000;
const GONE_MS = 15_000;
const ANSWER_MS = 1000;
const LAST_ANSWER_MS = 200;
/** A subscription takes a moment to reach all servers: who came in that moment was not heard. */
const SETTLED_MS = 1500;
const PRESENCE = 'presence:';

/**
 * Live notices between all servers of a cluster, over plain subjects that nothing is stored under:
 *
 *     <prefix>.live.to.<who>       a notice for their open pages
 *     <prefix>.live.here.<who>     somebody came or went, on their own or in this room
 *     <prefix>.live.who.<who>      a question: is anybody there? Servers with open pages answer; without, nobody does
 *     <prefix>.live.beat           every server, every 5 s; silent for 15 s, it is gone, and its people are offline
 */
export class JetStreamLive extends LocalLive {
  readonly #me = randomBytes(9).toString('base64url');
  readonly #cluster: Cluster;
  readonly #prefix: string;
  readonly #logger: Logger;
  /** What this server's pages want to hear. */
  readonly #interests = new Map<string, { count: number; subscriptions: readonly Subscription[] }>();
  /** Questions that this server answers, because its people are meant. */
  readonly #answering = new Map<string, Subscription>();
  /** Where other servers have pages open, as far as this one is interested. */
  readonly #elsewhere = new Map<string, Set<string>>();
  readonly #heardMs = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor(cluster: Cluster, prefix: string, logger: Logger) {
    super();
    this.#cluster = cluster;
    this.#prefix = `${prefix}.live`;
    this.#logger = logger;
    cluster.nc.subscribe(this.#subject('beat', '*'), { callback: (_, message) => this.#takeBeat(message) });
    this.#timer = setInterval(() => this.#tick(), BEAT_MS).unref();
    void this.#followConnection();
  }

  override publish(notice: Notice): void {
    super.publish(notice);
    this.#say(this.#subject('to', tokenOf(notice.to)), { name: notice.name, data: notice.data });
  }

  override listen(to: string, hear: (notice: Notice) => void): () => void {
    const stop = super.listen(to, hear);
    this.#takeInterest(to);
    let isListening = true;
    return () => {
      stop();
      if (isListening) this.#loseInterest(to);
      isListening = false;
    };
  }

  override async ask(person: string): Promise<Presence> {
    const known = this.presence(person);
    if (known.online || this.#closed || this.#interests.has(PRESENCE + person)) return known;
    try {
      await this.#cluster.nc.request(this.#subject('who', tokenOf(person)), undefined, { timeout: ANSWER_MS });
      return { online: true, lastSeen: known.lastSeen };
    } catch {
      return known; // no responders: nobody has a page of theirs open
    }
  }

  override close(): void {
    if (this.#closed) return;
    this.#say(this.#subject('beat', this.#me), { gone: true });
    this.#closed = true;
    clearInterval(this.#timer);
    super.close();
  }

  protected override isHere(where: string): boolean {
    return super.isHere(where) || this.#elsewhere.has(where);
  }

  protected override places(): string[] {
    return [...new Set([...super.places(), ...this.#elsewhere.keys()])];
  }

  protected override changed(where: string, online: boolean): void {
    const who = whoOf(where);
    if (online) this.#answerFor(who);
    else if (this.#placesOf(who).length === 0) this.#stopAnsweringFor(who);
    const word = online ? { from: this.#me, on: where } : { from: this.#me, off: where, at: Date.now() };
    this.#say(this.#subject('here', tokenOf(who)), word);
    super.changed(where, online);
  }

  // What we say

  #say(subject: string, word: object): void {
    if (this.#closed || this.#cluster.nc.isClosed()) return;
    this.#cluster.nc.publish(subject, JSON.stringify(word));
  }

  #answerFor(who: string): void {
    if (this.#answering.has(who) || this.#closed) return;
    const callback = (_: Error | null, question: Msg): void => {
      question.respond(JSON.stringify({ from: this.#me, here: this.#placesOf(who) }));
    };
    this.#answering.set(who, this.#cluster.nc.subscribe(this.#subject('who', tokenOf(who)), { callback }));
  }

  #stopAnsweringFor(who: string): void {
    this.#answering.get(who)?.unsubscribe();
    this.#answering.delete(who);
  }

  /** Where somebody is on this server, or who is in that room on it. */
  #placesOf(who: string): string[] {
    return super.places().filter((where) => whoOf(where) === who);
  }

  // What the others say

  #takeInterest(to: string): void {
    const interest = this.#interests.get(to);
    if (interest) {
      interest.count += 1;
      return;
    }
    const about = presenceIn(to);
    const subscriptions = [
      ...(to.startsWith(PRESENCE) ? [] : [this.#hearOf('to', to, (message) => this.#takeNotice(to, message))]),
      ...(about === undefined ? [] : [this.#hearOf('here', about, (message) => this.#takeWord(message.json()))]),
    ];
    this.#interests.set(to, { count: 1, subscriptions });
    if (about === undefined) return;
    void this.#askAbout(about);
    setTimeout(() => this.#interests.has(to) && void this.#askAbout(about), SETTLED_MS).unref();
  }

  #loseInterest(to: string): void {
    const interest = this.#interests.get(to);
    if (!interest) return;
    interest.count -= 1;
    if (interest.count > 0) return;
    this.#interests.delete(to);
    for (const subscription of interest.subscriptions) subscription.unsubscribe();
    const about = presenceIn(to);
    for (const where of this.#elsewhere.keys()) if (whoOf(where) === about) this.#elsewhere.delete(where);
  }

  #hearOf(kind: string, who: string, take: (message: Msg) => void): Subscription {
    const callback = (error: Error | null, message: Msg): void => {
      try {
        if (!error) take(message);
      } catch (problem) {
        this.#logger.debug({ err: problem }, 'another server said something strange');
      }
    };
    return this.#cluster.nc.subscribe(this.#subject(kind, tokenOf(who)), { callback });
  }

  #takeNotice(to: string, message: Msg): void {
    const { name, data } = message.json<{ name?: unknown; data?: unknown }>();
    if (typeof name === 'string' && typeof data === 'string') this.hear({ to, name, data });
  }

  #takeWord(word: Word): void {
    this.#heardMs.set(word.from, performance.now());
    if ('here' in word) for (const where of word.here) this.#came(word.from, where);
    else if ('on' in word) this.#came(word.from, word.on);
    else this.#left(word.from, word.off, word.at);
  }

  #came(server: string, where: string): void {
    const servers = this.#elsewhere.get(where);
    if (servers) {
      servers.add(server);
      return;
    }
    this.#elsewhere.set(where, new Set([server]));
    this.tellPresence(where);
  }

  #left(server: string, where: string, at: number): void {
    const servers = this.#elsewhere.get(where);
    servers?.delete(server);
    if (servers && servers.size > 0) return;
    this.#elsewhere.delete(where);
    if (!this.isHere(where)) this.sawLast(where, at);
    this.tellPresence(where);
  }

  /** Whoever has pages of theirs open answers; when nobody has, the servers say at once that there are no responders. */
  async #askAbout(who: string): Promise<void> {
    const options = { strategy: 'stall', stall: LAST_ANSWER_MS, maxWait: ANSWER_MS } as const;
    if (this.#closed) return;
    try {
      const answers = await this.#cluster.nc.requestMany(this.#subject('who', tokenOf(who)), undefined, options);
      for await (const answer of answers) this.#takeWord(answer.json());
    } catch {
      // Nobody is there, or the connection went: then everything is asked again.
    }
  }

  #takeBeat(message: Msg): void {
    const server = message.subject.split('.').at(-1)!;
    if (message.string().includes('gone')) this.#lose(server);
    else this.#heardMs.set(server, performance.now());
  }

  #tick(): void {
    this.#say(this.#subject('beat', this.#me), {});
    const goneMs = performance.now() - GONE_MS;
    for (const [server, heardMs] of this.#heardMs) if (heardMs < goneMs) this.#lose(server);
  }

  #lose(server: string): void {
    this.#heardMs.delete(server);
    for (const [where, servers] of this.#elsewhere) if (servers.has(server)) this.#left(server, where, Date.now());
  }

  /** While the connection was away people came and went. */
  async #followConnection(): Promise<void> {
    for await (const { type } of this.#cluster.nc.status()) {
      if (type !== 'reconnect') continue;
      const nowMs = performance.now(); // silence was ours, not theirs
      for (const server of this.#heardMs.keys()) this.#heardMs.set(server, nowMs);
      for (const to of this.#interests.keys()) {
        const about = presenceIn(to);
        if (about !== undefined) void this.#askAbout(about);
      }
    }
  }

  #subject(kind: string, token: string): string {
    return `${this.#prefix}.${kind}.${token}`;
  }
}

/** Whose coming and going concerns those who listen for `to`: a person's, or everybody's in a room. */
function presenceIn(to: string): string | undefined {
  if (to.startsWith(PRESENCE)) return to.slice(PRESENCE.length);
  return to.startsWith(ROOM_PREFIX) ? to : undefined;
}

/** The person, or the room that somebody is in. */
function whoOf(where: string): string {
  const [room, person] = splitPlace(where);
  return room ?? person;
}
