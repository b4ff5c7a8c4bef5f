import { createServer } from 'node:http';
import express, { type Request, type Response } from 'express';
import { isLoopback } from '../access/this-computer.ts';
import { refuseForeignSites } from '../http/guard.ts';
import { sendProblem } from '../http/problem.ts';
import type { Logger } from '../logger.ts';
import type { MailboxChat } from '../mailbox-chat.ts';
import { MailboxError } from '../mailbox-error.ts';
import { loadPromClient } from '../metrics/metrics.ts';
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
  const router = express.Router();
  router.all(PATH, refuseForeignSites(guard), (req, res) => metrics(req, res));
  const server = createServer((req, res) =>
    router(req as Request, res as Response, (error = new MailboxError('NOT_FOUND', `Here is only ${PATH}.`)) =>
      sendProblem(res, error, logger),
    ),
  );
  const listening = await listen(server, { host, port, ifTaken: 'fail', flag: '--metrics' });
  return { url: new URL(PATH, urlOf(host, listening)).href };
}
