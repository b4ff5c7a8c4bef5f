import { createServer } from 'node:http';
import { exchangeOf, type Exchange } from '../http/exchange.ts';
import { refuseForeignSites } from '../http/guard.ts';
import { sendProblem } from '../http/problem.ts';
import type { Logger } from '../logger.ts';
import type { MailboxChat } from '../mailbox-chat.ts';
import { MailboxError } from '../mailbox-error.ts';
import { isLoopback } from './access.ts';
import { listen, urlOf } from './listen.ts';

export interface MetricsPlace {
  readonly host: string;
  readonly port: number;
  /** Names that it may be called by on this computer, besides localhost. */
  readonly allowedHosts: readonly string[];
  readonly logger: Logger;
}

const PATH = '/metrics';

export interface ServedMetrics {
  readonly url: string;
  /** Loads what they are made with, which takes a moment, and begins to watch this process. The first scrape waits for it. */
  load(): Promise<void>;
}

/**
 * Serves `/metrics`, and nothing else, on a listener of its own: whoever reaches the chat does not reach it. Resolves
 * when it listens.
 */
export async function serveMetrics(
  { metrics }: MailboxChat,
  { host, port, allowedHosts, logger }: MetricsPlace,
): Promise<ServedMetrics> {
  let loading: Promise<void> | undefined;
  const load = (): Promise<void> => (loading ??= addProcessMetrics(metrics));
  const guard = { allowedHosts: isLoopback(host) ? allowedHosts : ['*'], pageHosts: [] };
  const answer = async (exchange: Exchange): Promise<void> => {
    if (exchange.path !== PATH) throw new MailboxError('NOT_FOUND', `Here is only ${PATH}.`);
    refuseForeignSites(exchange, guard);
    await load();
    metrics(exchange.req, exchange.res);
  };
  const server = createServer((req, res) => {
    answer(exchangeOf(req, res)).catch((error: unknown) => sendProblem(res, error, logger));
  });
  const listening = await listen(server, { host, port, ifTaken: 'fail', flag: '--metrics' });
  return { url: new URL(PATH, urlOf(host, listening)).href, load };
}

/** Adds memory, CPU, event loop and garbage collection of this process, from now on. */
async function addProcessMetrics(metrics: MailboxChat['metrics']): Promise<void> {
  const [{ collectDefaultMetrics }, register] = await Promise.all([import('prom-client'), metrics.registry()]);
  collectDefaultMetrics({ register });
}
