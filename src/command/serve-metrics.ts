import { createServer } from 'node:http';
import { exchangeOf } from '../http/exchange.ts';
import { refuseForeignSites } from '../http/guard.ts';
import { sendProblem } from '../http/problem.ts';
import type { Logger } from '../logger.ts';
import type { MailboxChat } from '../mailbox-chat.ts';
import { MailboxError } from '../mailbox-error.ts';
import { loadPromClient } from '../metrics/metrics.ts';
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

/**
 * Serves what a chat has counted, and figures of this process, at `/metrics`, on a listener of its own: whoever reaches
 * the chat does not reach it. Resolves when it listens.
 */
export async function serveMetrics(
  { metrics }: MailboxChat,
  { host, port, allowedHosts, logger }: MetricsPlace,
): Promise<{ readonly url: string }> {
  loadPromClient().collectDefaultMetrics({ register: await metrics.registry() });
  const guard = { allowedHosts: isLoopback(host) ? allowedHosts : ['*'], pageHosts: [] };
  const server = createServer((req, res) => {
    try {
      const exchange = exchangeOf(req, res);
      if (exchange.path !== PATH) throw new MailboxError('NOT_FOUND', `Here is only ${PATH}.`);
      refuseForeignSites(exchange, guard);
      metrics(req, res);
    } catch (error) {
      sendProblem(res, error, logger);
    }
  });
  const listening = await listen(server, { host, port, ifTaken: 'fail', flag: '--metrics' });
  return { url: new URL(PATH, urlOf(host, listening)).href };
}
