import { z } from 'zod';
import type { Caller } from '../access/caller.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import { personName, type MailboxName } from '../words/mailbox-name.ts';
import { sendJson } from './answer.ts';
import { readFields } from './body.ts';
import type { Front, FrontOptions } from './front.ts';
import { queryOf, type Handler } from './request.ts';

const Fields = z.object({ key: z.string().min(1).max(256) });
const MAX_BYTES = 1024;

/** `POST /session` {key}: trades the key of an invitation link for a cookie. */
export function postSession({ links }: FrontOptions): Handler {
  return async (req, res) => {
    const { key } = await readFields(req, Fields, MAX_BYTES, 'The body must be {key}, a string.');
    if (!links) throw new MailboxError('NOT_FOUND', 'This chat has no invitation links, so nobody needs a key.');
    const { person, cookie } = links.trade(req, key);
    res.setHeader('Set-Cookie', cookie);
    sendJson(res, 200, { person });
  };
}

/**
 * `GET /session`: who is asking, and how people get in here. `refusal` says why nobody gets in, or with `?person=` why
 * that person does not.
 */
export function getSession(front: Front): Handler {
  return async (req, res) => {
    const { person: wanted } = queryOf(req);
    const person = wanted === undefined ? undefined : personName(wanted);
    const caller = await front.callerOf(req);
    const hasEnded = person !== undefined && front.options.links?.hasEnded(req, person) === true;

    const people = caller.as === 'everybody' ? [] : caller.as;
    sendJson(res, 200, {
      person: people[0] ?? null,
      people,
      administrator: caller.mayInspect,
      mode: caller.access,
      refusal: hasEnded && !people.includes(person) ? 'link-ended' : refusalOf(caller, person),
    });
  };
}

function refusalOf({ as, known, refusal }: Caller, person: MailboxName | undefined): string | null {
  if (as === 'everybody') return null;
  if (person === undefined ? as.length > 0 : as.includes(person)) return null;
  if (known.length === 0) return refusal ?? null;
  return as.length === 0 || (person !== undefined && known.includes(person)) ? 'link-elsewhere' : 'other-person';
}
