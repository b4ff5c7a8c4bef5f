import type { IncomingMessage, ServerResponse } from 'node:http';
import { admit, attend, isStillAllowed, readAudience } from './audience.ts';
import type { Chat } from './chat.ts';
import { readStart } from './cursor.ts';
import { BUSY_RETRY_MS, EventStream } from './event-stream.ts';
import { Delivery, interrupt } from './delivery.ts';
import { pollStatus } from './long-poll.ts';
import { isPassing } from './problem.ts';
import { header, queryOf, type Handler } from './request.ts';
import { eventStreamFormat, jsonLinesFormat, type WireFormat } from './wire-format.ts';

/**
 * `GET /status?receiver=henry` (or `?f=henry.txt`): the mailbox from a cursor on, for ever. Trouble that passes is told
 * on the stream: any status but 200 would end a browser's EventSource for good [sse]. With `Accept: application/json`
 * it answers once, after `wait=` seconds at most; with `application/x-ndjson`, in lines of JSON.
 */
export function getStatus(chat: Chat): Handler {
  const poll = pollStatus(chat);
  return (req, res) => {
    const accept = header(req, 'accept') ?? '';
    if (accept.includes('application/x-ndjson')) return stream(req, res, jsonLinesFormat, chat);
    if (accept.includes('application/json')) return poll(req, res);
    return stream(req, res, eventStreamFormat, chat);
  };
}

async function stream(req: IncomingMessage, res: ServerResponse, format: WireFormat, chat: Chat): Promise<void> {
  const { store, live, door, streams, people, counts } = chat;
  const query = queryOf(req);
  const audience = readAudience(query, people);
  const { mailbox } = audience;
  await admit(req, audience, door);
  const start = await readStart(req, query, store, mailbox).catch((error: unknown) => {
    if (!isPassing(error)) throw error;
    interrupt(new EventStream(res, format), error, chat);
  });
  if (!start) return;
  const events = new EventStream(res, format);
  forgetRoute(req);
  if (streams.isFull(mailbox)) {
    counts.failed('TOO_MANY_STREAMS');
    return events.bye('busy', BUSY_RETRY_MS);
  }
  streams.add(mailbox, events, () => isStillAllowed(req, audience, door));
  try {
    await new Delivery(mailbox, events, chat).begin(start, () => attend(audience, events, live));
  } catch (error) {
    interrupt(events, error, chat);
  }
}

/** Express keeps its routing state, 1.2 KB, at the request, which lasts as long as the stream. */
function forgetRoute(req: IncomingMessage): void {
  Object.assign(req, { next: undefined, params: undefined, route: undefined, _parsedUrl: undefined });
}
