import type { Msg, Subscription } from '@nats-io/transport-node';
import type { Logger } from '../logger.ts';
import type { MailboxName } from '../mailbox-name.ts';
import { Rounds } from '../rounds.ts';
import type { Cluster } from './cluster.ts';
import type { Streams } from './streams.ts';

interface Watched {
  readonly subscription: Subscription;
  readonly rings: Set<() => void>;
  /** The place of the newest message, undefined when the leader must be asked. */
  newest: number | undefined;
  sinceMs: number;
}

const TICK_MS = 250;
/** A hint may be lost: the leader is asked so often about each watched mailbox. */
const RECHECK_MS = 30_000;
/** A subscription takes a moment to reach all servers: what came in that moment brought no hint. */
const SETTLED_MS = 1500;
const RECHECKS_AT_ONCE = 64;

/** Tells when a watched mailbox has grown, and how far: by what the servers say, and by asking when they may have been missed. */
export class Hints {
  readonly #cluster: Cluster;
  readonly #streams: Streams;
  readonly #logger: Logger;
  readonly #watched = new Map<MailboxName, Watched>();
  readonly #rounds = new Rounds(this.#watched, TICK_MS, RECHECK_MS);
  readonly #timer: NodeJS.Timeout;
  /** Mailboxes to ask the leader about. */
  readonly #doubtful = new Set<MailboxName>();
  readonly #settling = new Set<MailboxName>();
  #asking = 0;

  constructor(cluster: Cluster, streams: Streams, logger: Logger) {
    this.#cluster = cluster;
    this.#streams = streams;
    this.#logger = logger;
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
    void this.#followConnection();
  }

  async watch(mailbox: MailboxName, ring: () => void): Promise<() => void> {
    let watched = this.#watched.get(mailbox);
    if (!watched) {
      watched = this.#subscribe(mailbox);
      this.#watched.set(mailbox, watched);
      this.#settling.add(mailbox);
    }
    const { rings, subscription } = watched;
    const own = (): void => ring(); // the same function may watch twice
    rings.add(own);
    await this.#cluster.nc.flush().catch(() => undefined); // away: when it is back, everybody is asked about
    return () => {
      rings.delete(own);
      if (rings.size > 0 || this.#watched.get(mailbox)?.rings !== rings) return;
      this.#watched.delete(mailbox);
      this.#settling.delete(mailbox);
      subscription.unsubscribe();
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
    ringAll(watched);
  }

  /** A mark moved, or the mailbox is empty again. */
  ring(mailbox: MailboxName): void {
    const watched = this.#watched.get(mailbox);
    if (watched) ringAll(watched);
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
    this.#doubtful.clear();
  }

  #subscribe(mailbox: MailboxName): Watched {
    const { hintSubject } = this.#streams.addressOf(mailbox);
    const callback = (error: Error | null, message: Msg): void => {
      if (error) return this.#doubt(mailbox);
      this.saw(mailbox, Number(message.headers?.last('Nats-Sequence') ?? 0));
    };
    const subscription = this.#cluster.nc.subscribe(hintSubject, { callback });
    return { subscription, rings: new Set(), newest: undefined, sinceMs: performance.now() };
  }

  /** While the connection was away hints passed by. */
  async #followConnection(): Promise<void> {
    for await (const { type } of this.#cluster.nc.status()) {
      if (type === 'disconnect') for (const watched of this.#watched.values()) watched.newest = undefined;
      if (type === 'reconnect') for (const mailbox of this.#watched.keys()) this.#doubt(mailbox);
    }
  }

  #tick(): void {
    this.#rounds.tick((mailbox) => this.#doubtful.add(mailbox));
    const settledMs = performance.now() - SETTLED_MS;
    for (const mailbox of this.#settling) {
      if ((this.#watched.get(mailbox)?.sinceMs ?? 0) > settledMs) break; // those behind it are younger
      this.#settling.delete(mailbox);
      this.#doubtful.add(mailbox);
    }
    this.#askOn();
  }

  #doubt(mailbox: MailboxName): void {
    this.#doubtful.add(mailbox);
    this.#askOn();
  }

  /** Asks about a few at once: after a reconnection it is all of them. */
  #askOn(): void {
    for (const mailbox of this.#doubtful) {
      if (this.#asking >= RECHECKS_AT_ONCE) return;
      this.#doubtful.delete(mailbox);
      if (this.#watched.has(mailbox)) void this.#recheck(mailbox);
    }
  }

  async #recheck(mailbox: MailboxName): Promise<void> {
    const { mail, mailSubject } = this.#streams.addressOf(mailbox);
    this.#asking += 1;
    try {
      this.saw(mailbox, await mail.newest(mailSubject));
    } catch (error) {
      this.#logger.debug({ err: error }, 'the cluster could not be asked whether mail has come');
      this.#doubtful.add(mailbox); // with the next tick
    } finally {
      this.#asking -= 1;
    }
    if (this.#doubtful.size > 0 && this.#asking === 0) return; // the tick goes on
    this.#askOn();
  }
}

function ringAll({ rings }: Watched): void {
  for (const ring of rings) ring();
}
