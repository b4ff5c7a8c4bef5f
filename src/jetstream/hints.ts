import type { Msg, Subscription } from '@nats-io/transport-node';
import type { MailboxName } from '../words/mailbox-name.ts';
import { Rounds } from '../words/rounds.ts';
import { whenever } from './cluster.ts';
import type { Streams } from './streams.ts';

interface Watched {
  readonly subscription: Subscription;
  readonly rings: Set<() => void>;
  /** The place of the newest message, undefined when the leader must be asked. */
  newest: number | undefined;
}

const TICK_MS = 250;
/** A hint may be lost: the leader is asked so often about each watched mailbox. */
const RECHECK_MS = 30_000;
/** A subscription takes a moment to reach all servers: what came in that moment brought no hint. */
const SETTLED_MS = 1500;
const RECHECKS_AT_ONCE = 64;

/** Tells when a watched mailbox has grown, and how far: by what the servers say, and by asking when they may have been missed. */
export class Hints {
  readonly #streams: Streams;
  readonly #watched = new Map<MailboxName, Watched>();
  readonly #rounds = new Rounds(this.#watched, TICK_MS, RECHECK_MS);
  readonly #timer: NodeJS.Timeout;
  /** Mailboxes to ask the leader about, a few at once: after a reconnection it is all of them. */
  readonly #doubtful = new Set<MailboxName>();
  #asking = 0;

  constructor(streams: Streams) {
    this.#streams = streams;
    this.#timer = setInterval(() => this.#rounds.tick((mailbox) => this.#doubt(mailbox)), TICK_MS).unref();
    // Hints were missed while the connection was away.
    const { cluster } = streams;
    void whenever(cluster, 'disconnect', () => this.#watched.forEach((watched) => (watched.newest = undefined)));
    void whenever(cluster, 'reconnect', () => this.#watched.forEach((_, mailbox) => this.#doubt(mailbox)));
  }

  async watch(mailbox: MailboxName, ring: () => void): Promise<() => void> {
    const watched = this.#watched.get(mailbox) ?? this.#begin(mailbox);
    const own = (): void => ring(); // the same function may watch twice
    watched.rings.add(own);
    await this.#streams.cluster.nc.flush().catch(() => undefined); // away: when it is back, everybody is asked about
    return () => {
      watched.rings.delete(own);
      if (watched.rings.size > 0 || this.#watched.get(mailbox) !== watched) return;
      this.#watched.delete(mailbox);
      watched.subscription.unsubscribe();
    };
  }

  /** The newest place of a mailbox, as far as hints can be trusted; undefined: ask the leader. */
  newest(mailbox: MailboxName): number | undefined {
    return this.#watched.get(mailbox)?.newest;
  }

  /** Somebody learnt that a message stands there. */
  saw(mailbox: MailboxName, seq: number): void {
    const watched = this.#watched.get(mailbox);
    if (!watched || seq <= (watched.newest ?? -1)) return;
    watched.newest = seq;
    this.ring(mailbox);
  }

  /** A mark moved, or the mailbox has grown. */
  ring(mailbox: MailboxName): void {
    for (const ring of this.#watched.get(mailbox)?.rings ?? []) ring();
  }

  /** What is known of a mailbox no longer holds. */
  forget(mailbox: MailboxName): void {
    const watched = this.#watched.get(mailbox);
    if (watched) watched.newest = undefined;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { subscription } of this.#watched.values()) subscription.unsubscribe();
    this.#watched.clear();
  }

  #begin(mailbox: MailboxName): Watched {
    const callback = (error: Error | null, message: Msg): void => {
      if (error) this.#doubt(mailbox);
      else this.saw(mailbox, Number(message.headers?.last('Nats-Sequence') ?? 0));
    };
    const subscription = this.#streams.cluster.nc.subscribe(this.#streams.hintSubjectOf(mailbox), { callback });
    const watched = { subscription, rings: new Set<() => void>(), newest: undefined };
    this.#watched.set(mailbox, watched);
    this.#doubtIn(SETTLED_MS, mailbox);
    return watched;
  }

  #doubtIn(ms: number, mailbox: MailboxName): void {
    setTimeout(() => this.#doubt(mailbox), ms).unref();
  }

  #doubt(mailbox: MailboxName): void {
    this.#doubtful.add(mailbox);
    if (this.#asking < RECHECKS_AT_ONCE) void this.#askOn();
  }

  /** Asks about one doubtful mailbox after the other. Several of these run at once. */
  async #askOn(): Promise<void> {
    const { logger } = this.#streams.cluster.options;
    this.#asking += 1;
    for (const mailbox of this.#doubtful) {
      this.#doubtful.delete(mailbox);
      if (!this.#watched.has(mailbox)) continue;
      try {
        this.saw(mailbox, await this.#streams.subjectOf('mail', mailbox).newest());
      } catch (error) {
        logger.debug({ err: error }, 'the cluster could not be asked whether mail has come');
        this.#doubtIn(TICK_MS, mailbox);
      }
    }
    this.#asking -= 1;
  }
}
