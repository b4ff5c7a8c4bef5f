import type { IncomingMessage } from 'node:http';
import { MemoryStore, ipKeyGenerator } from 'express-rate-limit';
import { MailboxError } from '../mailbox-error.ts';
import type { MailboxName } from '../mailbox-name.ts';

const WINDOW_MS = 1000;
const ADDRESS_FACTOR = 4;

export interface SendLimitOptions {
  /** Messages a second and person; an address may send four times as many. 0: no limit. */
  readonly perSecond: number;
  /** Whether `X-Forwarded-For` comes from a proxy of ours. */
  readonly trustProxy: boolean;
}

/** How fast messages may come, by person and by address. */
export class SendLimit {
  readonly #options: SendLimitOptions;
  readonly #persons = counter();
  readonly #addresses = counter();

  constructor(options: SendLimitOptions) {
    this.#options = options;
  }

  /** Counts one message; RATE_LIMITED when it is one too many. */
  async count(req: IncomingMessage, person: MailboxName): Promise<void> {
    const { perSecond } = this.#options;
    if (perSecond === 0) return;
    const [byPerson, byAddress] = await Promise.all([
      this.#persons.increment(person),
      this.#addresses.increment(this.#addressOf(req)),
    ]);
    if (byPerson.totalHits <= perSecond && byAddress.totalHits <= perSecond * ADDRESS_FACTOR) return;
    throw new MailboxError(
      'RATE_LIMITED',
      `Too many messages: ${perSecond} a second are possible. Send again in a second.`,
    );
  }

  close(): void {
    this.#persons.shutdown();
    this.#addresses.shutdown();
  }

  /** An IPv6 address counts as its network: whoever has one has many. */
  #addressOf(req: IncomingMessage): string {
    const forwarded = this.#options.trustProxy ? [req.headers['x-forwarded-for']].flat().join(',') : '';
    const address = forwarded.split(',').at(-1)?.trim() || req.socket.remoteAddress || '';
    return ipKeyGenerator(address);
  }
}

function counter(): MemoryStore {
  const store = new MemoryStore();
  store.init({ windowMs: WINDOW_MS } as Parameters<MemoryStore['init']>[0]);
  return store;
}
