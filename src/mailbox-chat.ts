import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import { openAccess, type Access } from './access/access.ts';
import { Invitations } from './access/invitations.ts';
import { LinkAccess } from './access/link-access.ts';
import { LoginAccess, type Identify } from './access/login-access.ts';
import { requestPlace } from './access/request-place.ts';
import { ChatCounts } from './chat-counts.ts';
import { FileMailboxes, type FileMailboxesOptions } from './files/file-mailboxes.ts';
import type { Chat } from './http/chat.ts';
import { Door, type MayInspect } from './http/door.ts';
import { OpenStreams } from './http/open-streams.ts';
import { sendProblem } from './http/problem.ts';
import { routesOf } from './http/routes.ts';
import { SendLimit } from './http/send-limit.ts';
import { LocalLive } from './live.ts';
import { silent, type Logger } from './logger.ts';
import { MailboxError } from './mailbox-error.ts';
import { personName } from './mailbox-name.ts';
import type { MailboxStore } from './mailbox-store.ts';
import { withMetrics, type ChatMetrics } from './metrics/metrics.ts';
import { Receipts } from './receipts.ts';

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
   * with links or `identify`, nobody. `() => false` turns it off.
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
  const counts = new ChatCounts();
  const streams = new OpenStreams({
    max: options.maxStreams ?? DEFAULT_MAX_STREAMS,
    rechecks: access.name === 'links',
    counts,
  });
  const limit = new SendLimit({
    perSecond: options.sendRate ?? DEFAULT_SEND_RATE,
    trustProxy: options.trustProxy ?? false,
  });
  const shared: Chat = {
    store,
    live,
    receipts: new Receipts(store, live),
    streams,
    door: new Door(access, options.mayInspect),
    links: access instanceof LinkAccess ? access : undefined,
    limit,
    counts,
    logger,
    people,
    maxMessage,
    dir: options.store ? null : dir,
  };
  const pageHosts = options.allowedHosts ?? [];
  const guard = { allowedHosts: access.name === 'open' ? pageHosts : ['*'], pageHosts };
  const router = routesOf(shared, { guard, allowFraming: options.allowFraming ?? false });

  const chat = (req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void): void => {
    router(req as Request, res as Response, next ?? (() => answerNotFound(req, res, logger)));
  };
  const close = async (): Promise<void> => {
    streams.close();
    live.close();
    await store.close();
  };
  const counted = { counts, openStreams: () => streams.count, store, logger };
  return withMetrics(Object.assign(chat, { ready: () => store.ready(), close }), counted);
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

function accessOf({ access, identify, trustProxy = false }: MailboxChatOptions, dir: string): Access {
  if (identify) return new LoginAccess(identify);
  if (access !== 'links') return openAccess(trustProxy);
  return new LinkAccess(new Invitations(dir), (req) => requestPlace(req, trustProxy));
}

function answerNotFound(req: IncomingMessage, res: ServerResponse, logger: Logger): void {
  const path = req.url?.split('?')[0];
  sendProblem(res, new MailboxError('NOT_FOUND', `There is nothing at ${req.method} ${path}.`), logger);
}
