import { ADMINISTRATOR } from '../access/caller.ts';
import { isErrno } from '../words/mailbox-error.ts';
import { readAnswer, requestOwner, type Reachable } from './request-owner.ts';

/**
 * Asks the owner of the mailboxes, as somebody who may use the directory. Resolves to the JSON of the answer; if that is a
 * problem, rejects with its MailboxError.
 */
export type Ask = (method: string, path: string, fields?: object, signal?: AbortSignal) => Promise<unknown>;

export function askerOf(owner: Reachable): Ask {
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
