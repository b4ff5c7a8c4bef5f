import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { MailboxError } from '../words/mailbox-error.ts';

const WINDOW_MS = 1000;
const ADDRESS_FACTOR = 4;

/** Limits how fast requests may come, for each person and each address. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #what: string;
  readonly #persons = new SecondCounter();
  readonly #addresses = new SecondCounter();

  /** `perSecond`: for a person; an address may send four times as many; 0: no limit. `what`: a plural for the error. */
  constructor(perSecond: number, what: string) {
    this.#perSecond = perSecond;
    this.#what = what;
  }

  /** Counts one more request, if its address is known. RATE_LIMITED if it is one too many. In a room, `person` is left out. */
  count(address: string | undefined, person?: string): void {
    const perSecond = this.#perSecond;
    if (perSecond === 0 || address === undefined) return;
    const byPerson = person === undefined ? 0 : this.#persons.count(person);
    const byAddress = this.#addresses.count(networkOf(address));
    if (byPerson <= perSecond && byAddress <= perSecond * ADDRESS_FACTOR) return;
    const why = `Too many ${this.#what}: ${perSecond} a second are allowed. Send it again in a second.`;
    throw new MailboxError('RATE_LIMITED', why);
  }
}

/** The address that a request comes from; with `trustProxy`, the one that the last proxy names. */
export function addressOf(req: IncomingMessage, trustProxy: boolean): string {
  const forwarded = trustProxy ? [req.headers['x-forwarded-for']].flat().join(',') : '';
  return forwarded.split(',').at(-1)?.trim() || req.socket.remoteAddress || '';
}

/** Reduces an IPv6 address to its first 56 bits, the network of one household, which has many addresses. */
function networkOf(address: string): string {
  if (isIP(address) !== 6 || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('::');
  const first = head.split(':');
  const last = tail?.split(':') ?? [];
  const groups = [...first, ...Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0'), ...last];
  const [a, b, c, d = '0'] = groups.map((group) => Number.parseInt(group || '0', 16));
  return [a, b, c, Number(d) >> 8].join(':');
}

/** Counts by a monotonic clock: if the time of day were set back, it would refuse a steady sender for that long. */
class SecondCounter {
  readonly #counts = new Map<string, number>();
  #beganMs = 0;

  /** How often this key has come in the current second, including now. */
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
