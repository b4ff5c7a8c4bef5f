import type { Msg, Subscription } from '@nats-io/transport-node';
import { randomBytes } from 'node:crypto';
import { LocalLive, whoOf, type Notice, type Presence } from '../words/live.ts';
import { ROOM_PREFIX } from '../words/mailbox-name.ts';
import { whenever, type Cluster } from './cluster.ts';
import { tokenOf } from './streams.ts';

/** What servers tell each other: places where somebody is, or the one that somebody left. */
type Word = { readonly from: string } & (
  { readonly here: readonly string[] } | { readonly left: string; readonly at: number }
);

const BEAT_MS = 5000;
const GONE_MS = 15_000;
const ANSWER_MS = 1000;
const LAST_ANSWER_MS = 200;
/** A subscription takes a moment to reach all servers. We ask again who came in that moment. */
const SETTLED_MS = 1500;
const PRESENCE = 'presence:';

/**
 * Live notices between all servers of a cluster, over plain subjects, under which nothing is stored:
 *
 *     <prefix>.live.to.<who>       a notice for their open pages
 *     <prefix>.live.here.<who>     somebody came or went: this person, or somebody in this room
 *     <prefix>.live.who.<who>      asks who is there; servers with open pages of theirs answer
 *     <prefix>.live.beat           from every server, every 5 s; after 15 s without one, its people are offline
 */
export class JetStreamLive extends LocalLive {
  readonly #me = randomBytes(9).toString('base64url');
  readonly #cluster: Cluster;
  readonly #prefix: string;
  /** What the pages of this server listen to, and whose presence that tells of. */
  readonly #followed = new Map<string, string>();
  /** The questions that this server answers, because they are about its people. */
  readonly #answering = new Map<string, Subscription>();
  /** When we last heard of each other server. */
  readonly #heardMs = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor(cluster: Cluster) {
    super();
    this.#cluster = cluster;
    this.#prefix = `${cluster.options.prefix}.live`;
    this.#on(`${this.#prefix}.beat.*`, (message) => this.#takeBeat(message));
    this.#timer = setInterval(() => this.#tick(), BEAT_MS).unref();
    void whenever(cluster, 'reconnect', () => this.#askAgain());
  }

  override publish(notice: Notice): void {
    super.publish(notice);
    this.#say(this.#subject('to', notice.to), { name: notice.name, data: notice.data });
  }

  override async ask(person: string): Promise<Presence> {
    const known = this.presence(person);
    if (known.online || this.#closed || this.#followed.has(PRESENCE + person)) return known;
    try {
      await this.#cluster.nc.request(this.#subject('who', person), undefined, { timeout: ANSWER_MS });
      return { online: true, lastSeen: known.lastSeen };
    } catch {
      return known; // no responders: no server has a page of theirs open
    }
  }

  override close(): void {
    this.#say(`${this.#prefix}.beat.${this.#me}`, { gone: true });
    this.#closed = true;
    clearInterval(this.#timer);
    super.close();
  }

  protected override moved(where: string, how: { readonly online: boolean }): void {
    super.moved(where, how);
    const who = whoOf(where);
    if (how.online) this.#answerFor(who);
    else if (this.#placesOf(who).length === 0) {
      this.#answering.get(who)?.unsubscribe();
      this.#answering.delete(who);
    }
    const word = how.online ? { here: [where] } : { left: where, at: Date.now() };
    this.#say(this.#subject('here', who), { from: this.#me, ...word });
  }

  protected override attend(to: string): () => void {
    const about = presenceIn(to);
    const subscriptions: Subscription[] = [];
    if (!to.startsWith(PRESENCE)) {
      subscriptions.push(this.#on(this.#subject('to', to), (notice) => this.#takeNotice(to, notice)));
    }
    if (about !== undefined) {
      subscriptions.push(this.#on(this.#subject('here', about), (word) => this.#takeWord(word.json())));
      this.#followed.set(to, about);
      void this.#askAbout(about);
      setTimeout(() => this.#followed.has(to) && void this.#askAbout(about), SETTLED_MS).unref();
    }
    return () => {
      for (const subscription of subscriptions) subscription.unsubscribe();
      this.#followed.delete(to);
      if (about !== undefined) this.forgetOthers(about);
    };
  }

  #say(subject: string, word: object): void {
    if (!this.#closed && !this.#cluster.nc.isClosed()) this.#cluster.nc.publish(subject, JSON.stringify(word));
  }

  #on(subject: string, take: (message: Msg) => void): Subscription {
    const callback = (error: Error | null, message: Msg): void => {
      try {
        if (!error) take(message);
      } catch (problem) {
        this.#cluster.options.logger.debug(
          { err: problem },
          'another server sent something that this one does not understand',
        );
      }
    };
    return this.#cluster.nc.subscribe(subject, { callback });
  }

  #answerFor(who: string): void {
    if (this.#answering.has(who) || this.#closed) return;
    const answer = (question: Msg): void => {
      question.respond(JSON.stringify({ from: this.#me, here: this.#placesOf(who) }));
    };
    this.#answering.set(who, this.#on(this.#subject('who', who), answer));
  }

  /** Where somebody is on this server; of a room, who is in it here. */
  #placesOf(who: string): string[] {
    return this.placesOn().filter((where) => whoOf(where) === who);
  }

  /** Servers with open pages of theirs answer. If there are none, NATS says at once that there are no responders. */
  async #askAbout(who: string): Promise<void> {
    const options = { strategy: 'stall', stall: LAST_ANSWER_MS, maxWait: ANSWER_MS } as const;
    if (this.#closed) return;
    try {
      const answers = await this.#cluster.nc.requestMany(this.#subject('who', who), undefined, options);
      for await (const answer of answers) this.#takeWord(answer.json());
    } catch {
      // Nobody is there, or the connection was lost: after that we ask about everybody again.
    }
  }

  /** Asks about everybody again: while the connection was lost, people may have come and gone. */
  #askAgain(): void {
    const nowMs = performance.now(); // we were not listening: their silence means nothing
    for (const server of this.#heardMs.keys()) this.#heardMs.set(server, nowMs);
    for (const about of this.#followed.values()) void this.#askAbout(about);
  }

  #takeNotice(to: string, message: Msg): void {
    const { name, data } = message.json<{ name?: unknown; data?: unknown }>();
    if (typeof name === 'string' && typeof data === 'string') this.hear({ to, name, data });
  }

  #takeWord(word: Word): void {
    this.#heardMs.set(word.from, performance.now());
    if ('here' in word) for (const where of word.here) this.came(word.from, where);
    else this.left(word.from, word.left, word.at);
  }

  #takeBeat(message: Msg): void {
    const server = message.subject.split('.').at(-1)!;
    if (message.string().includes('gone')) this.#lose(server);
    else this.#heardMs.set(server, performance.now());
  }

  #tick(): void {
    this.#say(`${this.#prefix}.beat.${this.#me}`, {});
    const goneMs = performance.now() - GONE_MS;
    for (const [server, heardMs] of this.#heardMs) if (heardMs < goneMs) this.#lose(server);
  }

  #lose(server: string): void {
    this.#heardMs.delete(server);
    this.lost(server);
  }

  #subject(kind: 'to' | 'here' | 'who', who: string): string {
    return `${this.#prefix}.${kind}.${tokenOf(who)}`;
  }
}

/** Whose presence those who listen for `to` are told: a person's, or everybody's in a room. */
function presenceIn(to: string): string | undefined {
  if (to.startsWith(PRESENCE)) return to.slice(PRESENCE.length);
  return to.startsWith(ROOM_PREFIX) ? to : undefined;
}
