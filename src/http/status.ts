import type { IncomingMessage, ServerResponse } from 'node:http';
import { callerOf } from '../access/caller.ts';
import { admitTo, attend, isStillAllowed, readAudience } from './audience.ts';
import type { Chat } from './chat.ts';
import { readStart } from './cursor.ts';
import { EventStream } from './event-stream.ts';
import { BUSY_RETRY_MS } from './open-stream.ts';
import { Delivery } from './delivery.ts';
import { pollStatus } from './long-poll.ts';
import { header, queryOf, type Handler } from './request.ts';
import { interrupt } from './stream-problem.ts';
import { tellingOf } from './telling.ts';
import { askedFormat, type WireFormat } from './wire-format.ts';

/**
 * `GET /status?receiver=henry` (or `?f=henry.txt`): follows the mailbox from a cursor on, as an event stream; with
 * `Accept: application/x-ndjson`, as lines of JSON. With `application/json` it answers once, after `wait=` seconds at most.
 */
export function getStatus(chat: Chat): Handler {
  const poll = pollStatus(chat);
  return (req, res) => {
    const format = askedFormat(header(req, 'accept'));
    return format ? stream(req, res, format, chat) : poll(req, res);
  };
}

async function stream(req: IncomingMessage, res: ServerResponse, format: WireFormat, chat: Chat): Promise<void> {
  const { store, live, streams, counts } = chat;
  const query = queryOf(req);
  const audience = readAudience(query, callerOf(req).people);
  const { mailbox } = audience;
  const tell = tellingOf(query);
  admitTo(audience, callerOf(req));
  const start = await readStart(req, query, store, mailbox);
  const events = new EventStream(res, format);
  forgetRoute(req);
  if (streams.isFull(mailbox)) {
    counts.failed('TOO_MANY_STREAMS');
    return events.bye('busy', BUSY_RETRY_MS);
  }
  streams.add(mailbox, events, () => isStillAllowed(req, audience));
  try {
    await new Delivery(mailbox, events, tell, chat).begin(start, () => attend(audience, events, live));
  } catch (error) {
    interrupt(events, error, chat);
  }
}

/** Express keeps 1.2 KB of routing state on the request, which lasts as long as the stream. */
function forgetRoute(req: IncomingMessage): void {
  Object.assign(req, { next: undefined, params: undefined, route: undefined, _parsedUrl: undefined });
}
