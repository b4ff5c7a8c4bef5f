import type { Msg, Subscription } from '@nats-io/transport-node';
import type { MailboxName } from '../words/mailbox-name.ts';
import { Rounds } from '../words/rounds.ts';
import { whenever } from './cluster.ts';
import type { Streams } from './streams.ts';

interface Watched {
  readonly subscription: Subscription;
  readonly rings: Set<() => void>;
  /** The place of the newest message; undefined if we must ask the leader. */
  newest: number | undefined;
}

const TICK_MS = 250;
/** How often we ask the leader about each watched mailbox, because a hint may be lost. */
const RECHECK_MS = 30_000;
/** A subscription takes a moment to reach all servers. Mail in that moment brings no hint: we ask once after it. */
const SETTLED_MS = 1500;
const RECHECKS_AT_ONCE = 64;

/** Tells when a watched mailbox has grown, and how far. The servers send hints; when one may be lost, we ask. */
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
    // While the connection is lost, no hints come.
    const { cluster } = streams;
    void whenever(cluster, 'disconnect', () => this.#watched.forEach((watched) => (watched.newest = undefined)));
    void whenever(cluster, 'reconnect', () => this.#watched.forEach((_, mailbox) => this.#doubt(mailbox)));
  }

  async watch(mailbox: MailboxName, ring: () => void): Promise<() => void> {
    const watched = this.#watched.get(mailbox) ?? this.#begin(mailbox);
    const own = (): void => ring(); // so that the same function may watch twice
    watched.rings.add(own);
    await this.#streams.cluster.nc.flush().catch(() => undefined); // no connection: once it is back, we ask about all
    return () => {
      watched.rings.delete(own);
      if (watched.rings.size > 0 || this.#watched.get(mailbox) !== watched) return;
      this.#watched.delete(mailbox);
      watched.subscription.unsubscribe();
    };
  }

  /** The newest place of a mailbox, if hints can be trusted; undefined: ask the leader. */
  newest(mailbox: MailboxName): number | undefined {
    return this.#watched.get(mailbox)?.newest;
  }

  /** Notes that there is a message at this place. */
  saw(mailbox: MailboxName, seq: number): void {
    const watched = this.#watched.get(mailbox);
    if (!watched || seq <= (watched.newest ?? -1)) return;
    watched.newest = seq;
    this.ring(mailbox);
  }

  /** Tells that a mark has moved, or that the mailbox has grown. */
  ring(mailbox: MailboxName): void {
    for (const ring of this.#watched.get(mailbox)?.rings ?? []) ring();
  }

  /** Drops what is known of a mailbox. */
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

  /** Asks about the doubtful mailboxes one by one. Several of these loops run at once. */
  async #askOn(): Promise<void> {
    const { logger } = this.#streams.cluster.options;
    this.#asking += 1;
    for (const mailbox of this.#doubtful) {
      this.#doubtful.delete(mailbox);
      if (!this.#watched.has(mailbox)) continue;
      try {
        this.saw(mailbox, await this.#streams.subjectOf('mail', mailbox).newest());
      } catch (error) {
        logger.debug({ err: error }, 'could not ask the cluster whether mail has come');
        this.#doubtIn(TICK_MS, mailbox);
      }
    }
    this.#asking -= 1;
  }
}
