import type { MailEvent } from '../words/mailbox-store.ts';

/** How events are written on a stream. */
export interface WireFormat {
  readonly contentType: string;
  /** The bytes that every event ends with. */
  readonly end: Buffer;
  /** How long to wait before reconnecting, in ms. */
  retry(ms: number): string;
  event(event: MailEvent): string;
  /** A named event of the server; `json` is one line. Without an id it moves no cursor. */
  notice(name: string, json: string, id?: string): string;
}

/** `text/event-stream` [sse]: what an EventSource reads. */
export const eventStreamFormat: WireFormat = {
  contentType: 'text/event-stream; charset=utf-8',
  end: Buffer.from('\n\n'),
  retry: (ms) => `retry: ${ms}\n\n`,
  event({ id, type, data }) {
    const lines = data.includes('\n') ? data.replaceAll('\n', '\ndata: ') : data;
    return `id: ${id}\n${type === undefined ? '' : `event: ${type}\n`}data: ${lines}\n\n`;
  },
  notice: (name, json, id) => `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${json}\n\n`,
};

/** `application/x-ndjson`: one {id, type, data} a line, for programs without an EventSource. */
export const jsonLinesFormat: WireFormat = {
  contentType: 'application/x-ndjson; charset=utf-8',
  end: Buffer.from('\n'),
  retry: () => '',
  event: ({ id, type = 'message', data }) => `${JSON.stringify({ id, type, data })}\n`,
  notice: (type, json, id) => `${JSON.stringify({ id, type, data: json })}\n`,
};

/** The format that a request with this Accept asks for; undefined when it asks for one answer in JSON. */
export function askedFormat(accept = ''): WireFormat | undefined {
  if (accept.includes('application/x-ndjson')) return jsonLinesFormat;
  return accept.includes('application/json') ? undefined : eventStreamFormat;
}

/** The format of an answer with this content type; undefined when it is no stream. */
export function formatOf(contentType: string | undefined): WireFormat | undefined {
  return [eventStreamFormat, jsonLinesFormat].find((format) => format.contentType === contentType);
}
