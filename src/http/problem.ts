import { realpathSync } from 'node:fs';
import { basename, isAbsolute, resolve } from 'node:path';
import type { ErrorRequestHandler } from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ChatCounts } from './chat-counts.ts';
import type { Logger } from '../words/logger.ts';
import { MailboxError, type MailboxErrorCode } from '../words/mailbox-error.ts';
import { sendJson } from './answer.ts';

/** The HTTP status of every problem. */
export const STATUS: Readonly<Record<MailboxErrorCode, number>> = {
  INVALID_NAME: 400,
  INVALID_MESSAGE: 400,
  INVALID_REQUEST: 400,
  INVALID_CURSOR: 400,
  INVALID_TARGET: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  KEY_REUSED: 409,
  MESSAGE_REMOVED: 409,
  MESSAGE_TOO_LONG: 413,
  FILE_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RATE_LIMITED: 429,
  NOT_SUPPORTED: 501,
  TOO_MANY_STREAMS: 503,
  MAILBOX_BUSY: 503,
  MAILBOX_UNUSABLE: 503,
  STORE_FAILED: 503,
  UNKNOWN_LAYOUT: 503,
  CLOSED: 503,
  MAILBOX_FULL: 507,
  DISK_FULL: 507,
  WRITE_FAILED: 507,
};

/** Every code that an answer can have. */
export const PROBLEM_CODES = Object.keys(STATUS) as MailboxErrorCode[];

const RETRY_AFTER_S: Readonly<Record<number, number>> = { 429: 1, 503: 2 };

/** Whether the same request could succeed later. */
export function isPassing(error: unknown): boolean {
  return !(error instanceof MailboxError) || STATUS[error.code] >= 429;
}

/** The code that a client gets. An error that is not a MailboxError is a fault of ours. */
export function codeOf(error: unknown): MailboxErrorCode {
  return error instanceof MailboxError ? error.code : 'STORE_FAILED';
}

interface Counting {
  readonly counts: ChatCounts;
  readonly logger: Logger;
  /** The data directory: the log may name it, an answer may not. */
  readonly dir: string | null;
}

/** Answers with `{error, message}`. An error that is not a MailboxError goes to the log, and the client learns little. */
export function sendProblem(res: ServerResponse, error: unknown, logger: Logger, dir: string | null = null): void {
  const { code, message } = problemOf(error, logger);
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const status = STATUS[code];
  const retryAfter = RETRY_AFTER_S[status];
  if (retryAfter !== undefined) res.setHeader('Retry-After', retryAfter);
  if (status === 413 || status === 408) res.setHeader('Connection', 'close');
  sendJson(res, status, { error: code, message: withoutPlace(message, dir) });
}

/** Removes from a message where the directory is on this computer. */
function withoutPlace(message: string, dir: string | null): string {
  if (dir === null) return message;
  const places = [dir, resolve(dir), real(dir)].filter(isAbsolute);
  return places.reduce((text, place) => text.replaceAll(`${place}/`, '').replaceAll(place, basename(place)), message);
}

function real(dir: string): string {
  try {
    return realpathSync(dir);
  } catch {
    return dir; // it was removed in the meantime
  }
}

/** The problem as the client may know it. The rest is logged. */
function problemOf(error: unknown, logger: Logger): MailboxError {
  if (!(error instanceof MailboxError)) {
    logger.error({ err: error }, 'a request failed');
    return new MailboxError('STORE_FAILED', 'The server could not do this. Its log says why.');
  }
  if (STATUS[error.code] >= 500) logger.warn({ code: error.code, err: error.cause }, error.message);
  if (error.code === 'REQUEST_TIMEOUT') logger.debug({ code: error.code }, error.message);
  return error;
}

/** For a request that no route answers. */
export function nothingAt({ method, url }: IncomingMessage): MailboxError {
  return new MailboxError('NOT_FOUND', `There is nothing at ${method} ${url?.split('?')[0]}.`);
}

/** Express recognises an error handler by its four parameters. */
export function answerProblem({ counts, logger, dir }: Counting): ErrorRequestHandler {
  return (error, _req, res, _next) => {
    counts.failed(codeOf(error));
    sendProblem(res, error, logger, dir);
  };
}
