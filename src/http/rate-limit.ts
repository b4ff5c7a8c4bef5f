import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { MailboxError } from '../words/mailbox-error.ts';

const WINDOW_MS = 1000;
const ADDRESS_FACTOR = 4;

/** How fast something may come, by person and by address. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #what: string;
  readonly #persons = new SecondCounter();
  readonly #addresses = new SecondCounter();

  /** `perSecond`: for one person, four times as many for an address; 0: no limit. `what`: in the plural, for people. */
  constructor(perSecond: number, what: string) {
    this.#perSecond = perSecond;
    this.#what = what;
  }

  /** Counts one more, where the address is known; RATE_LIMITED when it is one too many. A room's readers are nobody. */
  count(address: string | undefined, person?: string): void {
    const perSecond = this.#perSecond;
    if (perSecond === 0 || address === undefined) return;
    const byPerson = person === undefined ? 0 : this.#persons.count(person);
    const byAddress = this.#addresses.count(networkOf(address));
    if (byPerson <= perSecond && byAddress <= perSecond * ADDRESS_FACTOR) return;
    const why = `Too many ${this.#what}: ${perSecond} a second are possible. Send again in a second.`;
    throw new MailboxError('RATE_LIMITED', why);
  }
}

/** Where a request comes from; with `trustProxy`, by the word of the last proxy. */
export function addressOf(req: IncomingMessage, trustProxy: boolean): string {
  const forwarded = trustProxy ? [req.headers['x-forwarded-for']].flat().join(',') : '';
  return forwarded.split(',').at(-1)?.trim() || req.socket.remoteAddress || '';
}

/** An IPv6 address counts as its first 56 bits, the network of one household: whoever has one address has many. */
function networkOf(address: string): string {
  if (isIP(address) !== 6 || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('::');
  const first = head.split(':');
  const last = tail?.split(':') ?? [];
  const groups = [...first, ...Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0'), ...last];
  const [a, b, c, d = '0'] = groups.map((group) => Number.parseInt(group || '0', 16));
  return [a, b, c, Number(d) >> 8].join(':');
}

/** Uses a clock that only rises: if the time of day were set back, a steady sender would be refused for that long. */
class SecondCounter {
  readonly #counts = new Map<string, number>();
  #beganMs = 0;

  /** How often this key has come in the current second, this time included. */
  count(key: string): number {
    const nowMs = performance.now();
    if (nowMs - this.#beganMs >= WINDOW_MS) {
      this.#counts.clear();
      this.#beganMs = nowMs;
    }
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }
}
