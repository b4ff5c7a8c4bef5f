import { fileURLToPath } from 'node:url';
import type { IncomingMessage, ServerResponse } from 'node:http';
import express from 'express';
import { directoryHash } from './directory-hash.ts';
import { FileMailboxes } from './files/file-mailboxes.ts';
import { exchangeOf, header, sendJson, sendNothing, type Exchange, type Handler } from './http/exchange.ts';
import { getHistory } from './http/history.ts';
import { getMessage, postMessage } from './http/messages.ts';
import { OpenStreams } from './http/open-streams.ts';
import { sendProblem } from './http/problem.ts';
import { getPeople } from './http/people.ts';
import { Receipts, postReceipts } from './http/receipts.ts';
import { getStatus } from './http/status.ts';
import { postTyping } from './http/typing.ts';
import { LocalLive } from './live.ts';
import { silent, type Logger } from './logger.ts';
import { MailboxError } from './mailbox-error.ts';
import { personName } from './mailbox-name.ts';
import type { MailboxStore } from './mailbox-store.ts';
import { VERSION } from './version.ts';

export interface MailboxChatOptions {
  /** The data directory; made if need be. Default `./mailboxes`. */
  readonly dir?: string;
  /** Whom the pages offer to talk to. Default henry and jjeong. */
  readonly people?: readonly string[];
  /** How long a message may be, in Unicode code points. Default 4,000. */
  readonly maxMessage?: number;
  /** Where to log: pino, or anything with its four methods. Default nowhere. Message texts are never logged. */
  readonly logger?: Logger;
  /** Called when the disk failed and nothing can be accepted any more. */
  readonly onFatal?: (error: Error) => void;
  /** Another place for the mail than files in `dir`. */
  readonly store?: MailboxStore;
}

/** The chat as request handler: mount it with `app.use('/chat', chat)`, or hand it to `http.createServer`. */
export interface MailboxChat {
  (req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void): void;
  /** Rejects when mail cannot be accepted now. */
  ready(): Promise<void>;
  /** Says goodbye on every stream, finishes what was begun and lets go of the files. Twice is harmless. */
  close(): Promise<void>;
}

type Routes = Readonly<Record<string, Readonly<Partial<Record<string, Handler>>>>>;

const PUBLIC = fileURLToPath(new URL('../public', import.meta.url));
const DEFAULT_PEOPLE = ['henry', 'jjeong'];
const DEFAULT_MAX_MESSAGE = 4000;
const MAX_MESSAGE = 32_000;

/**
 * Makes a chat. It listens to nothing and traps no signals by itself; two of them do not disturb each other.
 * Throws when the directory cannot be used or an option is wrong.
 */
export function mailboxChat(options: MailboxChatOptions = {}): MailboxChat {
  const dir = options.dir ?? 'mailboxes';
  const logger = options.logger ?? silent;
  const maxMessage = options.maxMessage ?? DEFAULT_MAX_MESSAGE;
  if (!Number.isInteger(maxMessage) || maxMessage < 1 || maxMessage > MAX_MESSAGE) {
    throw new RangeError(`maxMessage must be a whole number from 1 to ${MAX_MESSAGE}`);
  }
  const people = (options.people ?? DEFAULT_PEOPLE).map(personName);

  const { onFatal } = options;
  const store = options.store ?? new FileMailboxes(dir, onFatal ? { logger, onFatal } : { logger });
  const live = store.live ?? new LocalLive();
  const streams = new OpenStreams();
  const receipts = new Receipts(store, live);
  const messages = { store, live, maxMessage };
  const status: Handler = (exchange) => getStatus(exchange, { store, live, receipts, streams, people, logger });
  const directory = { store, live, people, access: 'open', dir: options.store ? null : dir };
  const health = { name: 'mailbox-chat', version: VERSION, directoryHash: options.store ? null : directoryHash(dir) };

  const routes: Routes = {
    '/messages': {
      POST: (exchange) => postMessage(exchange, messages),
      GET: (exchange) => getMessage(exchange, messages),
    },
    '/messages.html': { GET: (exchange) => getMessage(exchange, messages) },
    '/status': { GET: status },
    '/status.html': { GET: status },
    '/history': { GET: (exchange) => getHistory(exchange, store) },
    '/receipts': { POST: (exchange) => postReceipts(exchange, receipts, store) },
    '/typing': { POST: (exchange) => postTyping(exchange, live) },
    '/people': { GET: (exchange) => getPeople(exchange, directory) },
    '/healthz': { GET: async ({ res }) => sendJson(res, 200, health) },
    '/readyz': {
      GET: async ({ res }) => {
        await store.ready();
        sendJson(res, 200, { ready: true });
      },
    },
  };

  const pages = express.Router();
  pages.use(redirectToSlash);
  pages.use(express.static(PUBLIC));

  const chat: MailboxChat = (req, res, next) => {
    const exchange = exchangeOf(req, res);
    const methods = Object.hasOwn(routes, exchange.path) ? routes[exchange.path] : undefined;
    if (methods) void answer(exchange, methods, logger);
    else pages(req as express.Request, res as express.Response, next ?? (() => notFound(exchange, logger)));
  };
  chat.ready = () => store.ready();
  chat.close = async () => {
    streams.close();
    live.close();
    await store.close();
  };
  return chat;
}

async function answer(exchange: Exchange, methods: Routes[string], logger: Logger): Promise<void> {
  const { req, res } = exchange;
  try {
    const handler = methods[req.method ?? ''];
    if (handler) {
      refusePrefetch(req);
      await handler(exchange);
    } else refuseMethod(exchange, Object.keys(methods));
  } catch (error) {
    sendProblem(res, error, logger);
  }
}

/** Looking ahead must not move mail: nobody has asked for it yet. */
function refusePrefetch(req: IncomingMessage): void {
  const purposes = [header(req, 'sec-purpose'), header(req, 'purpose'), header(req, 'x-moz')];
  if (!purposes.some((purpose) => purpose?.includes('prefetch'))) return;
  throw new MailboxError('FORBIDDEN', 'This may not be fetched ahead of time: it would move mail.');
}

/** HEAD and OPTIONS are answered without doing anything. */
function refuseMethod({ req, res }: Exchange, methods: readonly string[]): void {
  const isReadable = methods.includes('GET');
  res.setHeader('Allow', [...methods, ...(isReadable ? ['HEAD'] : []), 'OPTIONS'].join(', '));
  if (req.method === 'OPTIONS') return sendNothing(res);
  if (req.method === 'HEAD' && isReadable) return sendNothing(res, 200);
  throw new MailboxError('METHOD_NOT_ALLOWED', `${req.method} is not possible here. Use ${methods.join(' or ')}.`);
}

/** Under a mount the pages' relative addresses need the slash: `/chat` → `/chat/`. */
function redirectToSlash(req: express.Request, res: express.Response, next: express.NextFunction): void {
  const [path = '', ...query] = (req.originalUrl ?? '').split('?');
  if (!req.baseUrl || path !== req.baseUrl) return next();
  res.writeHead(308, { Location: [`${path.slice(path.lastIndexOf('/') + 1)}/`, ...query].join('?') });
  res.end();
}

function notFound({ req, res }: Exchange, logger: Logger): void {
  sendProblem(
    res,
    new MailboxError('NOT_FOUND', `There is nothing at ${req.method} ${req.url?.split('?')[0]}.`),
    logger,
  );
}
