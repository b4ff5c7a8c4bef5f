import type { ErrorRequestHandler } from 'express';
import { hasCaller } from '../access/caller.ts';
import type { Chat } from './chat.ts';
import { EventStream } from './event-stream.ts';
import { BUSY_RETRY_MS } from './open-stream.ts';
import { codeOf, isPassing } from './problem.ts';
import { header } from './request.ts';
import { askedFormat } from './wire-format.ts';

type Observers = Pick<Chat, 'counts' | 'logger'>;

/** Ends a stream on which something failed. The client comes back with its cursor. */
export function interrupt(stream: EventStream, error: unknown, { counts, logger }: Observers): void {
  counts.failed(codeOf(error));
  logger.warn({ err: error }, 'a stream was interrupted');
  stream.bye('busy', BUSY_RETRY_MS);
}

/**
 * Opens the stream that was asked for and says `bye` on it, if the same request could succeed later: any status but 200
 * would end a browser's EventSource for good [sse]. Nobody gets a stream before it is known who they are.
 */
export function sayByeOnProblem(observers: Observers): ErrorRequestHandler {
  return (error, req, res, next) => {
    const format = hasCaller(req) && !res.headersSent ? askedFormat(header(req, 'accept')) : undefined;
    if (format && isPassing(error)) interrupt(new EventStream(res, format), error, observers);
    else next(error);
  };
}
