/**
 * How one event stands in a mailbox and in a log: valid text/event-stream, with two line feeds in front that end
 * whatever a crash tore before it.
 *
 *
 *     id: 1763600000000-0
 *     data: {"sender":"jjeong","receiver":"henry","message":"hi","time":"2026-11-20T01:02:03.000Z","key":"…"}
 *
 */
import { isUtf8 } from 'node:buffer';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { isForeignType } from '../event-type.ts';
import type { MailEvent } from '../mailbox-store.ts';
import { keyOf, scopedKey } from '../message-data.ts';
import { isOwnId, idTime } from './event-id.ts';

/** A longer event is set aside, not delivered: one hostile line must not fill the memory. */
export const MAX_EVENT_BYTES = 1024 * 1024;

const LF = 10;
const CR = 13;
const OWN_LINES = /^id: ([\d-]+)\ndata: (.*)\n?$/;
/** [sse] one leading byte order mark is ignored; each append of a foreign writer is a stream of its own. */
const BOM = /^\ufeff/;

/** The text of an event, `data` of several lines included. */
export function frame(event: Pick<MailEvent, 'id' | 'data' | 'type'>): string {
  const type = event.type === undefined ? '' : `event: ${event.type}\n`;
  const data = event.data.includes('\n') ? event.data.replaceAll('\n', '\ndata: ') : event.data;
  return `\n\nid: ${event.id}\n${type}data: ${data}\n\n`;
}

/** A run of lines that a blank line ends. `from`/`to` bound its lines, `end` stands after the blank line. */
export interface Block {
  readonly from: number;
  readonly to: number;
  readonly end: number;
}

/** Cuts bytes at blank lines; CR, LF and CRLF each end a line [sse]. `rest`: where an unfinished block begins. */
export function splitBlocks(bytes: Buffer): { blocks: Block[]; rest: number } {
  const blocks: Block[] = [];
  let from = 0;
  let line = 0;
  let cr = -2;
  while (line < bytes.length) {
    const lf = bytes.indexOf(LF, line);
    if (cr !== -1 && cr < line) cr = bytes.indexOf(CR, line);
    const end = lf === -1 ? cr : cr === -1 ? lf : Math.min(lf, cr);
    if (end === -1) break;

    const next = bytes[end] === CR && bytes[end + 1] === LF ? end + 2 : end + 1;
    if (end === line) {
      if (line > from) blocks.push({ from, to: line, end: next });
      from = next;
    }
    line = next;
  }
  return { blocks, rest: from };
}

/** What a block says: an event of ours, somebody else's, nothing (comments, ids), or damaged text to set aside. */
export type Parsed =
  | { readonly kind: 'own'; readonly id: string; readonly data: string; readonly key: string }
  | { readonly kind: 'foreign'; readonly data: string; readonly type?: string }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'damaged'; readonly why: string };

export const TOO_LONG: Parsed = { kind: 'damaged', why: 'longer than 1 MiB' };

/** Reads one whole block. Own ids further ahead than a day are not ours to believe. */
export function parseBlock(bytes: Buffer, now: number): Parsed {
  if (bytes.length > MAX_EVENT_BYTES) return TOO_LONG;
  const text = bytes.toString('utf8').replace(BOM, '');
  // Our own form, read in one step: most mail is ours.
  const [, id, data] = OWN_LINES.exec(text) ?? [];
  return id !== undefined && isOwnId(id, now) ? ownEvent(id, data!) : parseAnyLines(text, now);
}

/** An event of ours in bytes: `end` stands behind its frame. */
export interface OwnFrame {
  readonly end: number;
  readonly parsed: Parsed & { readonly kind: 'own' };
}

/** What JSON writes without escapes; nothing in a part can be taken for its end. */
const PLAIN = String.raw`[^"\\\0-\x1f]`;
/** As `frame` and `messageData` write a message that has nothing to escape. */
const OWN_FRAME = new RegExp(
  String.raw`\n*id: ([\d-]+)\ndata: (\{"sender":"(${PLAIN}+)","receiver":"${PLAIN}*","message":"${PLAIN}*",` +
    String.raw`"time":"${PLAIN}*","key":"(${PLAIN}+)"\})\n\n`,
  'y',
);

/** The run of frames at the head of `bytes` that stand just as we write them: most of a backlog, read in one go. */
export function ownFramesAtHead(bytes: Buffer, now: number): OwnFrame[] {
  const whole = bytes.subarray(0, bytes.lastIndexOf('\n\n') + 2);
  if (!isUtf8(whole)) return []; // as text it would have another length
  const text = whole.toString('utf8');
  const isAscii = text.length === whole.length;
  const frames: OwnFrame[] = [];
  let end = 0;
  OWN_FRAME.lastIndex = 0;
  for (let match; (match = OWN_FRAME.exec(text));) {
    const [own, id, data, sender, key] = match as unknown as [string, string, string, string, string];
    const length = isAscii ? own.length : Buffer.byteLength(own);
    if (length > MAX_EVENT_BYTES || !isOwnId(id, now)) break;
    end += length;
    frames.push({ end, parsed: { kind: 'own', id, data, key: scopedKey({ sender, key }) } });
  }
  return frames;
}

function parseAnyLines(text: string, now: number): Parsed {
  let event: EventSourceMessage | undefined;
  let stray = false;
  const parser = createParser({
    onEvent: (parsed) => (event = parsed),
    onError: (error) => (stray ||= error.type === 'unknown-field'),
  });
  parser.feed(`${text}\n\n`);

  if (!event) return stray ? { kind: 'damaged', why: 'no data field' } : { kind: 'nothing' };
  if (event.id !== undefined && isOwnId(event.id, now)) return ownEvent(event.id, event.data);
  const type = event.event;
  if (type === undefined || !isForeignType(type)) return { kind: 'foreign', data: event.data };
  return { kind: 'foreign', data: event.data, type };
}

/** An id of our form belongs to a whole JSON object with a key, or the event is a torn append of ours. */
function ownEvent(id: string, data: string): Parsed {
  const key = keyOf(data);
  return key === undefined ? { kind: 'damaged', why: 'a torn append' } : { kind: 'own', id, data, key };
}

/** The events of text that `frame` made, in order. `receivedAt` dates foreign mail, which carries no time. */
export function parseFrames(text: string, receivedAt: number): MailEvent[] {
  const events: MailEvent[] = [];
  for (const block of text.split('\n\n')) {
    if (block === '') continue;
    const [idLine = '', ...rest] = block.split('\n');
    const id = idLine.slice('id: '.length);
    const type = rest[0]?.startsWith('event: ') ? rest.shift()!.slice('event: '.length) : undefined;
    const data = rest.map((line) => line.slice('data: '.length)).join('\n');
    const time = id.includes('.') ? receivedAt : idTime(id);
    events.push(type === undefined ? { id, time, data } : { id, time, data, type });
  }
  return events;
}
