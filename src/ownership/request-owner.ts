import { randomUUID } from 'node:crypto';
import { request, type IncomingMessage, type OutgoingHttpHeaders, type RequestOptions } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { ADMINISTRATOR, CALLER_HEADER, callerHeader, type Caller } from '../access/caller.ts';
import { isErrno, MailboxError, type MailboxErrorCode } from '../words/mailbox-error.ts';
import type { Ownership } from './ownership.ts';

/** A request to the owner of a directory. */
export interface OwnerRequest {
  readonly method: string;
  readonly path: string;
  readonly caller: Caller;
  readonly headers?: OutgoingHttpHeaders;
  /** A stream can be sent only once, so such a request is not made again. */
  readonly body?: string | Buffer | Readable;
  /** Gives up when it aborts. */
  readonly signal?: AbortSignal;
}

/** For two seconds. An owner that was killed has a successor within one. */
const MOST_ATTEMPTS = 40;
const ASK_AGAIN_MS = 50;

/**
 * Sends a request to the owner, in memory if that is this process. If the owner goes away before it answers, asks its
 * successor. Waits for an owner that is stopped. Resolves when the answer begins. MAILBOX_BUSY if there is no owner for two seconds; rejects as `owned()` does.
 */
export async function requestOwner(owner: Ownership, asked: OwnerRequest): Promise<IncomingMessage> {
  const caller = { messageKey: randomUUID(), ...asked.caller }; // so that a message that is sent twice counts once
  for (let attempt = 1; ; attempt += 1) {
    const isHere = (await owner.owned()) !== undefined;
    const to = isHere
      ? { createConnection: () => owner.connectHere() }
      : { socketPath: owner.address, agent: owner.agent };
    try {
      return await answerTo({ ...asked, caller }, to);
    } catch (error) {
      asked.signal?.throwIfAborted();
      if (error instanceof TypeError) throw error;
      if (attempt < MOST_ATTEMPTS && !(asked.body instanceof Readable)) await pause(ASK_AGAIN_MS);
      else
        throw new MailboxError('MAILBOX_BUSY', 'No server is in charge of the mailboxes right now. Try again.', {
          cause: error,
        });
    }
  }
}

/**
 * Asks the owner of the mailboxes, as somebody who may use the directory. Resolves to the JSON of the answer; if that is a
 * problem, rejects with its MailboxError.
 */
export type Ask = (method: string, path: string, fields?: object, signal?: AbortSignal) => Promise<unknown>;

export function askerOf(owner: Ownership): Ask {
  return async (method, path, fields, signal) => {
    const headers = { accept: 'application/json', ...(fields && { 'content-type': 'application/json' }) };
    const asked = { method, path, headers, caller: ADMINISTRATOR, ...(fields && { body: JSON.stringify(fields) }) };
    for (;;) {
      try {
        return await readAnswer(await requestOwner(owner, { ...asked, ...(signal && { signal }) }));
      } catch (error) {
        // The owner ended while it answered: the next one gives the same answer.
        if (signal?.aborted || !isErrno(error, 'ECONNRESET')) throw error;
      }
    }
  };
}

async function readAnswer(answer: IncomingMessage): Promise<unknown> {
  const body = await text(answer);
  const said: unknown = body === '' ? undefined : JSON.parse(body);
  if ((answer.statusCode ?? 500) < 400) return said;
  const { error, message } = said as { error: MailboxErrorCode; message: string };
  throw new MailboxError(error, message);
}

function answerTo(
  { caller, headers, body = '', ...asked }: OwnerRequest,
  to: RequestOptions,
): Promise<IncomingMessage> {
  const length = body instanceof Readable ? 0 : Buffer.byteLength(body);
  const all = { ...headers, [CALLER_HEADER]: callerHeader(caller), ...(length > 0 && { 'content-length': length }) };
  return new Promise((resolve, reject) => {
    const asking = request({ ...asked, ...to, headers: all })
      .once('response', resolve)
      .on('error', reject);
    if (body instanceof Readable) body.pipe(asking);
    else asking.end(body);
  });
}
