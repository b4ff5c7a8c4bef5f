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
import { Front } from './http/front.ts';
import { Mail } from './http/mail.ts';
import { OpenStreams } from './http/open-streams.ts';
import { nothingAt, sendProblem } from './http/problem.ts';
import { routesOf } from './http/routes.ts';
import { SendLimit } from './http/send-limit.ts';
import type { MailboxStore, StoreFigures } from './mailbox-store.ts';
import { withMetrics, type ChatMetrics } from './metrics/metrics.ts';
import { Ownership, Unshared, type Owning } from './ownership/ownership.ts';
import { prepareDirectory } from './ownership/prepare-directory.ts';
import { readOptions, type ChatOptions } from './read-options.ts';

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
  return chatOf(options, () => new FileMailboxes(options.dir, filesOptions(options)));
}

/** The same with files that are opened differently. */
export function chatOf(options: ChatOptions, openFiles: () => FileMailboxes): MailboxChat {
  const { logger, allowFraming, allowedHosts: pageHosts } = options;
  const access = accessOf(options);
  const counts = new ChatCounts();
  const owning = owningOf(options, counts, openFiles);
  const streams = new OpenStreams({ max: options.maxStreams, rechecks: access.name === 'links', counts });
  const front = new Front({
    ...options,
    access,
    links: access instanceof LinkAccess ? access : undefined,
    dir: options.store ? null : options.dir,
    counts,
    owning,
    streams,
  });
  const guard = { allowedHosts: access.name === 'open' ? pageHosts : ['*'], pageHosts };
  const router = routesOf(front, { guard, allowFraming });

  const chat = (req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void): void => {
    router(req as Request, res as Response, next ?? (() => sendProblem(res, nothingAt(req), logger)));
  };
  const close = async (): Promise<void> => {
    streams.close();
    await owning.close();
  };
  const openStreams = (): number => streams.count + (owning.current?.streams.count ?? 0);
  const figures = (): StoreFigures | undefined => owning.current?.store.figures;
  return withMetrics(Object.assign(chat, { ready: () => front.ready(), close }), {
    counts,
    openStreams,
    figures,
    logger,
  });
}

/** Mailboxes in files belong to one of the processes that are given their directory; another store to each of its own. */
function owningOf(options: ChatOptions, counts: ChatCounts, openFiles: () => FileMailboxes): Owning<Mail> {
  const { dir, logger, store } = options;
  const limit = new SendLimit(options.sendRate);
  const rechecks = !options.identify && options.access === 'links';
  const mailIn = (opened: MailboxStore): Mail =>
    new Mail(opened, { ...options, limit, counts, rechecks, dir: store ? null : dir });
  if (store) return new Unshared(mailIn(store));
  return new Ownership(prepareDirectory(dir), () => mailIn(openFiles()), logger);
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

function accessOf({ access, identify, trustProxy, dir }: ChatOptions): Access {
  if (identify) return loginAccess(identify);
  if (access !== 'links') return openAccess(trustProxy);
  return new LinkAccess(new Invitations(dir), (req) => requestPlace(req, trustProxy));
}
