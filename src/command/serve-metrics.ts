import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
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

/** Who answers a scrape. */
export interface MetricsSource {
  answer(req: IncomingMessage, res: ServerResponse): void;
  /** Loads what they are made with, which takes a moment. The first scrape waits for it; twice is harmless. */
  load(): Promise<void>;
}

export interface ServedMetrics {
  readonly url: string;
  load(): Promise<void>;
}

/**
 * Serves `/metrics`, and nothing else, on a listener of its own: whoever reaches the chat does not reach it. Resolves
 * when it listens.
 */
export async function serveMetrics(
  source: MetricsSource,
  { host, port, allowedHosts, logger }: MetricsPlace,
): Promise<ServedMetrics> {
  const guard = { allowedHosts: isLoopback(host) ? allowedHosts : ['*'], pageHosts: [] };
  const answer = async (exchange: Exchange): Promise<void> => {
    if (exchange.path !== PATH) throw new MailboxError('NOT_FOUND', `Here is only ${PATH}.`);
    refuseForeignSites(exchange, guard);
    await source.load();
    source.answer(exchange.req, exchange.res);
  };
  const server = createServer((req, res) => {
    answer(exchangeOf(req, res)).catch((error: unknown) => sendProblem(res, error, logger));
  });
  const listening = await listen(server, { host, port, ifTaken: 'fail', flag: '--metrics' });
  return { url: new URL(PATH, urlOf(host, listening)).href, load: () => source.load() };
}

/** What a chat has counted, and from `load` on memory, CPU, event loop and garbage collection of this process. */
export function processMetrics({ metrics }: MailboxChat): MetricsSource {
  let loading: Promise<void> | undefined;
  return { answer: metrics, load: () => (loading ??= addProcessMetrics(metrics)) };
}

async function addProcessMetrics(metrics: MailboxChat['metrics']): Promise<void> {
  const [{ collectDefaultMetrics }, register] = await Promise.all([import('prom-client'), metrics.registry()]);
  collectDefaultMetrics({ register });
}
