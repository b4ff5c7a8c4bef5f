import { createServer, type Server } from 'node:http';
import express, { type Request, type Response } from 'express';
import { refuseForeignSites } from '../http/guard.ts';
import { sendProblem } from '../http/problem.ts';
import type { Logger } from '../words/logger.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import { loadPromClient, type ChatMetrics } from './metrics.ts';

const PATH = '/metrics';

/**
 * A server for `/metrics` alone: what a chat has counted, and figures of this process. It has a port of its own, so
 * that people who reach the chat do not reach it. `allowedHosts`: its host names besides localhost; `*`: any.
 */
export async function metricsServer(
  metrics: ChatMetrics,
  allowedHosts: readonly string[],
  logger: Logger,
): Promise<Server> {
  loadPromClient().collectDefaultMetrics({ register: await metrics.registry() });
  const router = express.Router();
  router.all(PATH, refuseForeignSites({ allowedHosts, pageHosts: [] }), (req, res) => metrics(req, res));
  return createServer((req, res) =>
    router(req as Request, res as Response, (error = new MailboxError('NOT_FOUND', `This server has only ${PATH}.`)) =>
      sendProblem(res, error, logger),
    ),
  );
}
