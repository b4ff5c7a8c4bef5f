import type { IncomingMessage } from 'node:http';
import { ADMINISTRATOR } from '../access/caller.ts';
import { isErrno } from '../words/mailbox-error.ts';
import { readAnswer, requestOwner, type OwnerRequest, type Reachable } from './request-owner.ts';

/** Asks the owner of the mailboxes, as somebody who may use the directory: the server, or this process while there is none. */
export interface Ask {
  (asked: Omit<OwnerRequest, 'caller'>): Promise<IncomingMessage>;
  /** Resolves to the JSON of the answer. If that is a problem, throws its MailboxError. */
  json(method: string, path: string, fields?: object, signal?: AbortSignal): Promise<unknown>;
}

export function askerOf(owner: Reachable): Ask {
  const ask = (asked: Omit<OwnerRequest, 'caller'>): Promise<IncomingMessage> =>
    requestOwner(owner, { ...asked, caller: ADMINISTRATOR });
  const json = async (method: string, path: string, fields?: object, signal?: AbortSignal): Promise<unknown> => {
    const body = fields && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) };
    for (;;) {
      try {
        return await readAnswer(await ask({ method, path, ...body, ...(signal && { signal }) }));
      } catch (error) {
        // The owner ended while it answered: the next one gives the same answer.
        if (signal?.aborted || !isErrno(error, 'ECONNRESET')) throw error;
      }
    }
  };
  return Object.assign(ask, { json });
}
