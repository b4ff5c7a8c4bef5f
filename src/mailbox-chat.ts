import { accessSync, constants, realpathSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import { openAccess, type Access } from './access/access.ts';
import { Invitations } from './access/invitations.ts';
import { LinkAccess } from './access/link-access.ts';
import { loginAccess } from './access/login-access.ts';
import { requestPlace } from './access/request-place.ts';
import { ChatCounts } from './http/chat-counts.ts';
import type { ChatRequest, MailboxChatOptions } from './words/chat-options.ts';
import { makeDirectory } from './files/disk.ts';
import { FileMailboxes } from './files/file-mailboxes.ts';
import type { FileMailboxesOptions } from './files/store-context.ts';
import { checkLayout } from './files/layout.ts';
import { checkNobodyServes } from './files/layout-one.ts';
import { makePrivateDirectories } from './files/private-directories.ts';
import { Front } from './http/front.ts';
import {
  HostMail,
  type MailOptions,
  type MessageToSend,
  type ReceivedMail,
  type SentMessage,
} from './http/host-mail.ts';
import { Mailroom } from './http/mailroom.ts';
import { inTurn } from './http/in-turn.ts';
import { OpenStreams } from './http/open-streams.ts';
import { nothingAt, sendProblem } from './http/problem.ts';
import { routesOf } from './http/routes.ts';
import { RateLimit } from './http/rate-limit.ts';
import type { MailboxStore, StoreFigures } from './words/mailbox-store.ts';
import { withMetrics, type ChatMetrics } from './metrics/metrics.ts';
import { Ownership, type OwnershipOptions } from './ownership/ownership.ts';
import { readOptions, type ChatOptions } from './words/read-options.ts';

type OpenFiles = (options: ChatOptions) => FileMailboxes;

export interface MailroomOptions extends OwnershipOptions {
  readonly counts?: ChatCounts;
  readonly openFiles?: OpenFiles;
}

/**
 * How many other requests a page may make for each message: it reads and sends receipts more often than anybody writes.
 */
const ASKS_PER_SEND = 4;
const DAY_MS = 24 * 60 * 60 * 1000;

/** The chat as a request handler: mount it with `app.use('/chat', chat)`, or pass it to `http.createServer`. */
export interface MailboxChat {
  (req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void): void;
  /**
   * Serves what the chat has counted, for Prometheus: `app.get('/metrics', chat.metrics)`. It has no access control.
   * Counting begins when this property is first read, which throws if prom-client is not installed.
   */
  readonly metrics: ChatMetrics;
  /**
   * Sends a message and resolves once it is on disk. Rejects with a MailboxError, with the codes of `POST /messages`.
   * Your application may send as anybody, and `sendRate` does not apply to it.
   */
  send(message: MessageToSend): Promise<SentMessage>;
  /**
   * The mail of a person or room, for `for await`: what is kept, then what comes. It begins behind `after`, and marks nothing as
   * received. Without `after` it receives like a page: it begins with the mail that was not received yet, and each counts as
   * received when the loop asks for the next, so one whose handling failed comes again. In a room it begins with what comes
   * from now on. Ends with `break`, `signal` or `close()`. Throws a MailboxError if the name or `after` is not valid.
   */
  mail(name: string, options?: MailOptions): AsyncIterableIterator<ReceivedMail>;
  /** Rejects when mail cannot be accepted now. */
  ready(): Promise<void>;
  /** Says `bye` on every stream, waits for writes in progress, then releases locks and files. Twice is harmless. */
  close(): Promise<void>;
}

/**
 * Makes a chat. It opens no port and handles no signals; several chats do not disturb each other. Throws a TypeError
 * that names each wrong option, or the system's error if the directory cannot be used.
 */
export function mailboxChat<Req extends IncomingMessage = ChatRequest>(
  input: MailboxChatOptions<Req> = {},
): MailboxChat {
  return chatOf(readOptions(input));
}

/** Makes a chat from checked options. Tests open the files in other ways. */
export function chatOf(options: ChatOptions, openFiles?: OpenFiles): MailboxChat {
  const { logger, allowFraming, allowedHosts: pageHosts } = options;
  const access = accessOf(options);
  const counts = new ChatCounts();
  const ownership = openMailroom(options, { counts, ...(openFiles && { openFiles }) });
  const streams = new OpenStreams({ max: options.maxStreams, rechecks: access.name === 'links', counts });
  const links = access instanceof LinkAccess ? access : undefined;
  const front = new Front({
    ...options,
    access,
    links,
    dir: options.store ? null : options.dir,
    counts,
    ownership,
    streams,
  });
  const guard = { allowedHosts: access.name === 'open' ? pageHosts : ['*'], pageHosts };
  const router = routesOf(front, { guard, allowFraming });

  const chat = (req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void): void => {
    const otherwise = next ?? ((): void => sendProblem(res, nothingAt(req), logger));
    inTurn(req, res, () => router(req as Request, res as Response, otherwise));
  };
  const hostMail = new HostMail(ownership, logger);
  const close = async (): Promise<void> => {
    hostMail.close();
    streams.close();
    await ownership.close();
  };
  const openStreams = (): number => streams.count + (ownership.current?.chat.streams.count ?? 0);
  const counting = !options.store || options.store.figures !== undefined;
  const figures = counting ? (): StoreFigures | undefined => ownership.current?.chat.store.figures : undefined;
  const counted = { counts, openStreams, figures, logger };
  const send = hostMail.send.bind(hostMail);
  const mail = hostMail.mail.bind(hostMail);
  return withMetrics(Object.assign(chat, { send, mail, ready: () => front.ready(), close }), counted);
}

function accessOf({ access, identify, trustProxy, dir }: ChatOptions): Access {
  if (identify) return loginAccess(identify);
  if (access !== 'links') return openAccess(trustProxy);
  return new LinkAccess(new Invitations(dir), (req) => requestPlace(req, trustProxy));
}

/**
 * Opens the mailboxes if this process owns them. Of the processes with the same directory, one owns the mailboxes in it;
 * `requestOwner` reaches that one. Throws the system's error if the directory cannot be used.
 */
export function openMailroom(
  options: ChatOptions,
  { counts = new ChatCounts(), openFiles = inFiles, ...ownership }: MailroomOptions = {},
): Ownership<Mailroom> {
  const { dir, logger, store, sendRate, access } = options;
  const sends = new RateLimit(sendRate, 'messages');
  const asks = new RateLimit(sendRate * ASKS_PER_SEND, 'requests');
  const roomOf = (opened: MailboxStore): Mailroom =>
    new Mailroom(opened, { ...options, sends, asks, counts, rechecks: access === 'links', dir: store ? null : dir });
  if (store) return new Ownership(undefined, () => roomOf(store), logger);
  return new Ownership(prepare(dir), () => roomOf(openFiles(options)), logger, ownership);
}

function inFiles(options: ChatOptions): FileMailboxes {
  const { dir, logger, onFatal, groupWritable, keepDays, keepBytes, people } = options;
  const invitations = new Invitations(dir);
  const given: FileMailboxesOptions = {
    logger,
    groupWritable,
    isExpected: (name) => people.includes(name) || invitations.people().includes(name),
    ...(onFatal && { onFatal }),
    ...(keepDays !== undefined && { keepMs: keepDays * DAY_MS }),
    ...(keepBytes !== undefined && { keepBytes }),
  };
  return new FileMailboxes(dir, given);
}

/** Makes the directory if need be, and returns its real path. */
function prepare(path: string): string {
  makeDirectory(path);
  const dir = realpathSync(path);
  accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
  if (!checkLayout(dir)) checkNobodyServes(dir);
  makePrivateDirectories(dir); // before others may write there
  return dir;
}
