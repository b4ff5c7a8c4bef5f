import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
/** @ts-ignore stays in the .d.ts: TypeScript hosts compile without prom-client, which is optional */
import type * as PromClient from 'prom-client';
import type { ChatCounts } from '../http/chat-counts.ts';
import { PROBLEM_CODES, sendProblem } from '../http/problem.ts';
import type { Logger } from '../words/logger.ts';
import { isErrno, MailboxError } from '../words/mailbox-error.ts';
import type { StoreFigures } from '../words/mailbox-store.ts';
import { VERSION } from '../words/version.ts';

/** Answers with what a chat has counted, in Prometheus' text format: `app.get('/metrics', chat.metrics)`. */
export interface ChatMetrics {
  (req: IncomingMessage, res: ServerResponse): void;
  /** The prom-client registry of this chat alone: merge it with others, or add `collectDefaultMetrics` to it. */
  registry(): Promise<PromClient.Registry>;
}

interface Counted {
  /** Counting begins when its methods are replaced. */
  readonly counts: ChatCounts;
  readonly openStreams: () => number;
  /** Gives undefined while another process owns the mailboxes; undefined itself if the store counts nothing. */
  readonly figures: (() => StoreFigures | undefined) | undefined;
  readonly logger: Logger;
}

type Counter = PromClient.Counter;

const BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Adds `metrics` to a chat. Reading it for the first time loads prom-client, or throws, and begins to count. */
export function withMetrics<Chat>(chat: Chat, counted: Counted): Chat & { readonly metrics: ChatMetrics } {
  let metrics: ChatMetrics | undefined;
  const get = (): ChatMetrics => (metrics ??= metricsOf(counted));
  return Object.defineProperty(chat, 'metrics', { get }) as Chat & { readonly metrics: ChatMetrics };
}

/** Throws if prom-client is not installed: it is optional, and loaded only when metrics are asked for. */
export function loadPromClient(): typeof PromClient {
  try {
    return createRequire(import.meta.url)('prom-client') as typeof PromClient;
  } catch (error) {
    if (!isErrno(error, 'MODULE_NOT_FOUND')) throw error;
    const what = 'Metrics need prom-client, an optional package. Install it where mailbox-chat is:';
    throw new Error(`${what} npm install prom-client`, { cause: error });
  }
}

function metricsOf(counted: Counted): ChatMetrics {
  const promClient = loadPromClient();
  const registry = new promClient.Registry();
  addReadings(promClient, registry, counted);
  Object.assign(counted.counts, countsIn(promClient, registry, counted.figures));
  const scrape = (req: IncomingMessage, res: ServerResponse): void => {
    answer(req, res, registry).catch((error: unknown) => sendProblem(res, error, counted.logger));
  };
  return Object.assign(scrape, { registry: async () => registry });
}

async function answer(req: IncomingMessage, res: ServerResponse, registry: PromClient.Registry): Promise<void> {
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    res.setHeader('Allow', 'GET, HEAD');
    throw new MailboxError('METHOD_NOT_ALLOWED', `${req.method} is not allowed here. Use GET.`);
  }
  const text = await registry.metrics();
  res.writeHead(200, { 'Content-Type': registry.contentType, 'Cache-Control': 'no-store' });
  res.end(text);
}

/** Figures that others count: each scrape reads them. */
function addReadings(promClient: typeof PromClient, registry: PromClient.Registry, counted: Counted): void {
  const { openStreams, figures } = counted;
  const registers = [registry];
  const version = { name: 'mailbox_chat_build_info', help: 'Always 1; the label tells the version.', registers };
  new promClient.Gauge({ ...version, labelNames: ['version'], aggregator: 'first' }).set({ version: VERSION }, 1);
  const streams = { name: 'mailbox_chat_open_streams', help: 'Streams that are open now.', registers };
  const open: PromClient.Gauge = new promClient.Gauge({ ...streams, collect: () => open.set(openStreams()) });
  if (!figures) return;
  const errors: Counter = new promClient.Counter({
    name: 'mailbox_chat_watch_errors_total',
    help: 'Errors of the file watcher: while it fails, mail written by other programs may take a second longer.',
    registers,
    collect() {
      errors.reset();
      errors.inc(figures()?.watchErrors ?? 0);
    },
  });
}

/** The counts of the chat. No label is ever a person's name. */
function countsIn(
  promClient: typeof PromClient,
  registry: PromClient.Registry,
  figures: Counted['figures'],
): ChatCounts {
  const counter = (name: string, help: string, labelNames: string[] = [], collect = (): void => {}): Counter =>
    new promClient.Counter({ name: `mailbox_chat_${name}_total`, help, labelNames, registers: [registry], collect });
  const seconds = (name: string, help: string): PromClient.Histogram =>
    new promClient.Histogram({ name: `mailbox_chat_${name}_seconds`, help, buckets: BUCKETS_S, registers: [registry] });

  const messages = counter('messages_appended', 'New messages: sent over HTTP, or found in a file.', ['source'], () => {
    if (!figures) return;
    messages.remove('file');
    messages.inc({ source: 'file' }, figures()?.foundInFiles ?? 0);
  });
  const appends = seconds('append_duration', 'From when the store was given a message until it was on disk.');
  const events = counter('events_sent', 'Events of mail, one for each stream or poll that each was sent on.');
  const deliveries = seconds('delivery_duration', 'From when a message was accepted until an open stream was sent it.');
  const resumes = counter('resumes', 'Streams begun with a cursor: hit, or gap if something was missing.', ['result']);
  const slowReaders = counter('slow_readers_closed', 'Streams whose reader had taken nothing for 40 seconds.');
  const errors = counter('request_errors', 'Requests and streams that ended in an error, by its code.', ['code']);
  messages.inc({ source: 'http' }, 0);
  for (const result of ['hit', 'gap']) resumes.inc({ result }, 0);
  for (const code of PROBLEM_CODES) errors.inc({ code }, 0);
  return {
    appended(duration) {
      messages.inc({ source: 'http' });
      appends.observe(duration);
    },
    sent: (count) => events.inc(count),
    delivered: (duration) => deliveries.observe(duration),
    resumed: (result) => resumes.inc({ result }),
    slowReaderClosed: () => slowReaders.inc(),
    failed: (code) => errors.inc({ code }),
  };
}
