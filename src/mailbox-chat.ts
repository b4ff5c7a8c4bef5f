import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import { openAccess, type Access } from './access/access.ts';
import { Invitations } from './access/invitations.ts';
import { LinkAccess } from './access/link-access.ts';
import { loginAccess } from './access/login-access.ts';
import { requestPlace } from './access/request-place.ts';
import { ChatCounts } from './chat-counts.ts';
import type { ChatRequest, MailboxChatOptions } from './chat-options.ts';
import { FileMailboxes, type FileMailboxesOptions } from './files/file-mailboxes.ts';
import type { Chat } from './http/chat.ts';
import { Door } from './http/door.ts';
import { OpenStreams } from './http/open-streams.ts';
import { sendProblem } from './http/problem.ts';
import { routesOf } from './http/routes.ts';
import { SendLimit } from './http/send-limit.ts';
import { LocalLive } from './live.ts';
import type { Logger } from './logger.ts';
import { MailboxError } from './mailbox-error.ts';
import { withMetrics, type ChatMetrics } from './metrics/metrics.ts';
import { readOptions, type ChatOptions } from './read-options.ts';
import { Receipts } from './receipts.ts';

/** The chat as request handler: mount it with `app.use('/chat', chat)`, or hand it to `http.createServer`. */
export interface MailboxChat {
  (req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void): void;
  /**
   * Answers with what it has counted, for Prometheus: `app.get('/metrics', chat.metrics)`. It asks nobody who they are.
   * Counting begins when it is first read. Throws when prom-client is not installed.
   */
  readonly metrics: ChatMetrics;
  /** Rejects when mail cannot be accepted now. */
  ready(): Promise<void>;
  /** Says goodbye on every stream, finishes what was begun and lets go of the files. Twice is harmless. */
  close(): Promise<void>;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Makes a chat. It listens to nothing and traps no signals by itself; two of them do not disturb each other.
 * Throws a TypeError that names each wrong option, and the system's error when the directory cannot be used.
 */
export function mailboxChat<Req extends IncomingMessage = ChatRequest>(
  input: MailboxChatOptions<Req> = {},
): MailboxChat {
  const options = readOptions(input);
  const { dir, logger, people, maxMessage, allowFraming, allowedHosts: pageHosts } = options;

  const store = options.store ?? new FileMailboxes(dir, filesOptions(options));
  const live = store.live ?? new LocalLive();
  const access = accessOf(options, dir);
  const counts = new ChatCounts();
  const streams = new OpenStreams({ max: options.maxStreams, rechecks: access.name === 'links', counts });
  const limit = new SendLimit({ perSecond: options.sendRate, trustProxy: options.trustProxy });
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
  const guard = { allowedHosts: access.name === 'open' ? pageHosts : ['*'], pageHosts };
  const router = routesOf(shared, { guard, allowFraming });

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

function filesOptions({ logger, onFatal, groupWritable, keepDays, keepBytes }: ChatOptions): FileMailboxesOptions {
  return {
    logger,
    groupWritable,
    ...(onFatal && { onFatal }),
    ...(keepDays !== undefined && { keepMs: keepDays * DAY_MS }),
    ...(keepBytes !== undefined && { keepBytes }),
  };
}

function accessOf({ access, identify, trustProxy }: ChatOptions, dir: string): Access {
  if (identify) return loginAccess(identify);
  if (access !== 'links') return openAccess(trustProxy);
  return new LinkAccess(new Invitations(dir), (req) => requestPlace(req, trustProxy));
}

function answerNotFound(req: IncomingMessage, res: ServerResponse, logger: Logger): void {
  const path = req.url?.split('?')[0];
  sendProblem(res, new MailboxError('NOT_FOUND', `There is nothing at ${req.method} ${path}.`), logger);
}
