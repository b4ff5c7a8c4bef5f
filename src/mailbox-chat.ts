import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import { openAccess, type Access } from './access/access.ts';
import { Invitations } from './access/invitations.ts';
import { LinkAccess } from './access/link-access.ts';
import { LoginAccess, type Identify } from './access/login-access.ts';
import { requestPlace } from './access/request-place.ts';
import { ChatCounts } from './chat-counts.ts';
import { directoryHash } from './directory-hash.ts';
import { FileMailboxes, type FileMailboxesOptions } from './files/file-mailboxes.ts';
import { exchangeOf, sendJson, sendNothing, type Exchange, type Handler } from './http/exchange.ts';
import { Door, type MayInspect } from './http/door.ts';
import { refuseForeignSites, refusePrefetch, type GuardOptions } from './http/guard.ts';
import { getHistory } from './http/history.ts';
import { getInspection } from './http/inspect.ts';
import { getMessage, postMessage } from './http/messages.ts';
import { OpenStreams } from './http/open-streams.ts';
import { codeOf, sendProblem } from './http/problem.ts';
import { getPeople } from './http/people.ts';
import { Receipts, postReceipts } from './http/receipts.ts';
import { SendLimit } from './http/send-limit.ts';
import { postSession } from './http/session.ts';
import { getStatus } from './http/status.ts';
import { postTyping } from './http/typing.ts';
import { LocalLive } from './live.ts';
import { silent, type Logger } from './logger.ts';
import { MailboxError } from './mailbox-error.ts';
import { personName } from './mailbox-name.ts';
import type { MailboxStore } from './mailbox-store.ts';
import { withMetrics, type ChatMetrics } from './metrics/metrics.ts';
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
  /** `open`: whoever reaches the server may do everything; `links`: only with an invitation link. Default open. */
  readonly access?: 'open' | 'links';
  /** Tells who is asking, by your application's own login, instead of `access`. */
  readonly identify?: Identify;
  /**
   * Tells who may look at the files of every mailbox, in `inspect.html`. Default: when open, programs on this computer;
   * with links, who has an administrator's link; with `identify`, nobody. `() => false` turns it off.
   */
  readonly mayInspect?: MayInspect;
  /**
   * Names that the chat may be called by in open mode, besides localhost; `*`: any. In every mode, where its pages come
   * from, should a proxy not pass on the Host header. Default none.
   */
  readonly allowedHosts?: readonly string[];
  /** Whether X-Forwarded-For, -Proto and -Prefix come from a proxy of yours. Default false. */
  readonly trustProxy?: boolean;
  /** Messages a second that one person may send; one address four times as many. 0: no limit. Default 50. */
  readonly sendRate?: number;
  /** Streams that may be open at once. Default 20,000. */
  readonly maxStreams?: number;
  /** Whether the directory's group may append to mailbox files: for programs under another user. Default false. */
  readonly groupWritable?: boolean;
  /** Whether other web sites may show the pages in a frame. Default false. */
  readonly allowFraming?: boolean;
  /** How many days received mail is kept. Default 365. */
  readonly keepDays?: number;
  /** How much received mail is kept per mailbox, in bytes. Default 1 GiB. */
  readonly keepBytes?: number;
  /** Another place for the mail than files in `dir`. */
  readonly store?: MailboxStore;
}

/** The chat as request handler: mount it with `app.use('/chat', chat)`, or hand it to `http.createServer`. */
export interface MailboxChat {
  (req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void): void;
  /**
   * Answers with what it has counted, for Prometheus: `app.get('/metrics', chat.metrics)`. Nobody is asked who they are.
   * Counting begins when it is first read. Throws when prom-client is not installed.
   */
  readonly metrics: ChatMetrics;
  /** Rejects when mail cannot be accepted now. */
  ready(): Promise<void>;
  /** Says goodbye on every stream, finishes what was begun and lets go of the files. Twice is harmless. */
  close(): Promise<void>;
}

type Routes = Readonly<Record<string, Readonly<Partial<Record<string, Handler>>>>>;

const DEFAULT_PEOPLE = ['henry', 'jjeong'];
const DEFAULT_MAX_MESSAGE = 4000;
const MAX_MESSAGE = 32_000;
const DEFAULT_SEND_RATE = 50;
const DEFAULT_MAX_STREAMS = 20_000;
const DAY_MS = 24 * 60 * 60 * 1000;

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

  const store = options.store ?? new FileMailboxes(dir, filesOptions(options, logger));
  const live = store.live ?? new LocalLive();
  const access = accessOf(options, dir);
  const door = new Door(access, options.mayInspect);
  const pageHosts = options.allowedHosts ?? [];
  const guard = { allowedHosts: access.name === 'open' ? pageHosts : ['*'], pageHosts };
  const limit = new SendLimit({
    perSecond: options.sendRate ?? DEFAULT_SEND_RATE,
    trustProxy: options.trustProxy ?? false,
  });
  const counts = new ChatCounts();
  const streams = new OpenStreams({
    max: options.maxStreams ?? DEFAULT_MAX_STREAMS,
    rechecks: access.name === 'links',
    counts,
  });
  const receipts = new Receipts(store, live);
  const messages = { store, live, door, limit, maxMessage, counts };
  const listening = { store, live, receipts, door, streams, people, logger, counts };
  const status: Handler = (exchange) => getStatus(exchange, listening);
  const directory = { store, live, people, door, dir: options.store ? null : dir };
  const inspect = { inspector: store.inspector, streams, door, people, dir: directory.dir, logger };
  const health = { name: 'mailbox-chat', version: VERSION, directoryHash: options.store ? null : directoryHash(dir) };

  const routes: Routes = {
    '/messages': {
      POST: (exchange) => postMessage(exchange, messages),
      GET: (exchange) => getMessage(exchange, messages),
    },
    '/messages.html': { GET: (exchange) => getMessage(exchange, messages) },
    '/status': { GET: status },
    '/status.html': { GET: status },
    '/history': { GET: (exchange) => getHistory(exchange, store, door) },
    '/receipts': { POST: (exchange) => postReceipts(exchange, { receipts, store, door }) },
    '/typing': { POST: (exchange) => postTyping(exchange, live, door) },
    '/session': { POST: (exchange) => postSession(exchange, access instanceof LinkAccess ? access : undefined) },
    '/inspect': { GET: (exchange) => getInspection(exchange, inspect) },
    '/people': { GET: (exchange) => getPeople(exchange, directory) },
    '/healthz': { GET: async ({ res }) => sendJson(res, 200, health) },
    '/readyz': {
      GET: async ({ res }) => {
        await store.ready();
        sendJson(res, 200, { ready: true });
      },
    },
  };

  const allowFraming = options.allowFraming ?? false;

  const chat = (req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void): void => {
    const exchange = exchangeOf(req, res);
    const methods = Object.hasOwn(routes, exchange.path) ? routes[exchange.path] : undefined;
    if (methods) void answer(exchange, methods, { guard, logger, counts });
    else void servePage(exchange, { allowFraming, logger, next: next ?? (() => notFound(exchange, logger)) });
  };
  const close = async (): Promise<void> => {
    streams.close();
    live.close();
    await store.close();
  };
  const counted = { counts, openStreams: () => streams.count, store, logger };
  return withMetrics(Object.assign(chat, { ready: () => store.ready(), close }), counted);
}

interface PageOptions {
  readonly allowFraming: boolean;
  readonly logger: Logger;
  readonly next: (error?: unknown) => void;
}

/** Express serves the pages; it is loaded with the first of them, so that a start is quick. */
async function servePage(exchange: Exchange, { allowFraming, logger, next }: PageOptions): Promise<void> {
  try {
    const { pages } = await import('./http/pages.ts');
    pages(allowFraming)(exchange.req as Request, exchange.res as Response, next);
  } catch (error) {
    sendProblem(exchange.res, error, logger);
  }
}

function filesOptions(options: MailboxChatOptions, logger: Logger): FileMailboxesOptions {
  const { onFatal, groupWritable = false, keepDays, keepBytes } = options;
  for (const [name, value] of Object.entries({ keepDays, keepBytes })) {
    if (value !== undefined && !(value > 0)) throw new RangeError(`${name} must be a number above 0`);
  }
  return {
    logger,
    groupWritable,
    ...(onFatal && { onFatal }),
    ...(keepDays !== undefined && { keepMs: keepDays * DAY_MS }),
    ...(keepBytes !== undefined && { keepBytes }),
  };
}

/** Questions about health carry no mail, and load balancers ask them by any name. */
const UNGUARDED: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

function accessOf({ access, identify, trustProxy = false }: MailboxChatOptions, dir: string): Access {
  if (identify) return new LoginAccess(identify);
  if (access !== 'links') return openAccess(trustProxy);
  return new LinkAccess(new Invitations(dir), new Invitations(dir, 'administrators'), (req) =>
    requestPlace(req, trustProxy),
  );
}

interface AnswerOptions {
  readonly guard: GuardOptions;
  readonly logger: Logger;
  readonly counts: ChatCounts;
}

async function answer(exchange: Exchange, methods: Routes[string], options: AnswerOptions): Promise<void> {
  const { req, res } = exchange;
  try {
    const handler = methods[req.method ?? ''];
    if (handler) {
      if (!UNGUARDED.has(exchange.path)) {
        refuseForeignSites(exchange, options.guard);
        refusePrefetch(exchange);
      }
      await handler(exchange);
    } else refuseMethod(exchange, Object.keys(methods));
  } catch (error) {
    options.counts.failed(codeOf(error));
    sendProblem(res, error, options.logger);
  }
}

/** HEAD and OPTIONS are answered without doing anything. */
function refuseMethod({ req, res }: Exchange, methods: readonly string[]): void {
  const isReadable = methods.includes('GET');
  res.setHeader('Allow', [...methods, ...(isReadable ? ['HEAD'] : []), 'OPTIONS'].join(', '));
  if (req.method === 'OPTIONS') return sendNothing(res);
  if (req.method === 'HEAD' && isReadable) return sendNothing(res, 200);
  throw new MailboxError('METHOD_NOT_ALLOWED', `${req.method} is not possible here. Use ${methods.join(' or ')}.`);
}

function notFound({ req, res }: Exchange, logger: Logger): void {
  sendProblem(
    res,
    new MailboxError('NOT_FOUND', `There is nothing at ${req.method} ${req.url?.split('?')[0]}.`),
    logger,
  );
}
