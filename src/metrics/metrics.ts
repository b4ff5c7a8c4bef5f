import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { sendProblem } from '../http/problem.ts';
import type { Logger } from '../logger.ts';
import { MailboxError } from '../mailbox-error.ts';
import type { Counted } from './registry.ts';

/** Answers with what a chat has counted, in Prometheus' text format: `app.get('/metrics', chat.metrics)`. */
export interface ChatMetrics {
  (req: IncomingMessage, res: ServerResponse): void;
  /** prom-client's registry of this chat alone: to merge with others, or to add `collectDefaultMetrics` to. */
  registry(): Promise<Registry>;
}

/** prom-client is loaded when it is first asked for, so that a start is quick. */
export function metricsOf(counted: Counted, logger: Logger): ChatMetrics {
  let loading: Promise<Registry> | undefined;
  const registry = (): Promise<Registry> =>
    (loading ??= import('./registry.ts').then(({ registryOf }) => registryOf(counted)));
  return Object.assign(scrapesOf(registry, logger), { registry });
}

/** Answers scrapes with what is in the registry by then. */
export function scrapesOf(
  registry: () => Promise<Registry>,
  logger: Logger,
): (req: IncomingMessage, res: ServerResponse) => void {
  return (req, res) => {
    void answer(req, res, registry).catch((error: unknown) => sendProblem(res, error, logger));
  };
}

async function answer(req: IncomingMessage, res: ServerResponse, registry: () => Promise<Registry>): Promise<void> {
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    res.setHeader('Allow', 'GET, HEAD');
    throw new MailboxError('METHOD_NOT_ALLOWED', `${req.method} is not possible here. Use GET.`);
  }
  const loaded = await registry();
  const text = await loaded.metrics();
  res.writeHead(200, { 'Content-Type': loaded.contentType, 'Cache-Control': 'no-store' });
  res.end(text);
}
