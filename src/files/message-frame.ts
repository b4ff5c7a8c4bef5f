import { keyOf, scopedKey } from '../words/message-data.ts';
import { CR, LF } from './blocks.ts';
import type { ReadEvent } from './read-state.ts';

const FENCE = Buffer.from(': after ');
const ID = Buffer.from('id: ');
const DATA = Buffer.from('data: {"sender":"');
const RECEIVER = Buffer.from('","receiver":"');
const KEY = ',"key":"';
const DATA_FIELD_BYTES = 'data: '.length;
const SENDER_AT = '{"sender":"'.length;
const [DASH, ZERO, QUOTE, BACKSLASH, BRACE] = [45, 48, 34, 92, 125] as const;
const MAX_MS_DIGITS = 15;
const MAX_SEQ_DIGITS = 10;

/** How `messageData` begins. Names need no escapes. */
const HEAD = /^\{"sender":"([^"\\]*)","receiver":"([^"\\]*)"/;

/**
 * The sender and receiver of the message in `data`. Undefined if the data is not whole, which is a torn append. Only the
 * text decides, because JSON parsers disagree on what is valid.
 */
export function messageHead(data: string): { sender: string; receiver: string } | undefined {
  const [, sender, receiver] = HEAD.exec(data) ?? [];
  if (sender === undefined || receiver === undefined || !endsOpen(data)) return undefined;
  return { sender, receiver };
}

/** Whether it ends in `"}` with an unescaped quote. In a message of ours, only the end does. */
function endsOpen(data: string): boolean {
  if (!data.endsWith('"}')) return false;
  let at = data.length - 2;
  while (data[at - 1] === '\\') at -= 1;
  return (data.length - at) % 2 === 0;
}

/** The key, at the place where `messageData` puts it. Undefined if it has escapes or is elsewhere. */
function keyAtEnd(data: string): string | undefined {
  const to = data.length - 2;
  const from = data.lastIndexOf('"', to - 1) + 1;
  const isKey = data.startsWith(KEY, from - KEY.length);
  const key = data.slice(from, to);
  return isKey && !key.includes('\\') ? key : undefined;
}

/**
 * Reads message frames that are exactly as we write them, which most are, without making strings: only the numbers of the
 * ids, and where the parts are. This is the fast path. Other blocks are split into lines and judged by `reading-rule.ts`.
 */
export class MessageFrame {
  afterMs = 0;
  afterSeq = 0;
  ms = 0;
  seq = 0;
  /** Where its blank line ends. */
  end = 0;
  #at = 0;
  #idFrom = 0;
  #idTo = 0;
  #dataTo = 0;
  #msRead = 0;
  #seqRead = 0;

  /** Reads the frame that begins at `from`. False if something else is there. */
  scan(bytes: Buffer, from: number): boolean {
    this.#at = from;
    if (!this.#skip(bytes, FENCE) || !this.#skipId(bytes)) return false;
    this.afterMs = this.#msRead;
    this.afterSeq = this.#seqRead;
    return this.#scanEvent(bytes);
  }

  /** Does the same in a merged piece, where frames have no fences. */
  scanMerged(bytes: Buffer, from: number): boolean {
    this.#at = from;
    return this.#scanEvent(bytes);
  }

  /** The event of the frame that was scanned at `from`, in bytes that begin at `base` of their file. */
  event(bytes: Buffer, base: number, from: number): ReadEvent {
    const text = bytes.toString('utf8', this.#idFrom, this.#dataTo);
    const id = text.slice(0, this.#idTo - this.#idFrom);
    const data = text.slice(id.length + 1 + DATA_FIELD_BYTES);
    const sender = data.slice(SENDER_AT, data.indexOf('"', SENDER_AT));
    const key = keyAtEnd(data);
    const scoped = key === undefined ? keyOf(data) : scopedKey({ sender, key });
    return { id, data, time: this.ms, sender, key: scoped, from: base + from, end: base + this.end };
  }

  #scanEvent(bytes: Buffer): boolean {
    if (!this.#skip(bytes, ID)) return false;
    this.#idFrom = this.#at;
    if (!this.#skipId(bytes)) return false;
    this.#idTo = this.#at - 1;
    this.ms = this.#msRead;
    this.seq = this.#seqRead;

    if (!this.#skip(bytes, DATA) || !this.#skipName(bytes)) return false;
    if (!this.#skip(bytes, RECEIVER) || !this.#skipName(bytes)) return false;
    this.#dataTo = bytes.indexOf(LF, this.#at);
    this.end = this.#dataTo + 2;
    return this.#dataTo !== -1 && bytes[this.#dataTo + 1] === LF && this.#isOpenAt(bytes, this.#dataTo);
  }

  #isOpenAt(bytes: Buffer, to: number): boolean {
    if (bytes[to - 1] !== BRACE || bytes[to - 2] !== QUOTE) return false;
    let at = to - 2;
    while (bytes[at - 1] === BACKSLASH) at -= 1;
    return (to - at) % 2 === 0;
  }

  #skip(bytes: Buffer, expected: Buffer): boolean {
    for (let i = 0; i < expected.length; i += 1) if (bytes[this.#at + i] !== expected[i]) return false;
    this.#at += expected.length;
    return true;
  }

  #skipName(bytes: Buffer): boolean {
    for (;;) {
      const byte = bytes[this.#at];
      if (byte === QUOTE) return true;
      if (byte === undefined || byte === LF || byte === BACKSLASH) return false;
      this.#at += 1;
    }
  }

  /** Skips an own id and the line feed behind it. */
  #skipId(bytes: Buffer): boolean {
    this.#msRead = this.#number(bytes, MAX_MS_DIGITS);
    if (this.#msRead === -1 || bytes[this.#at] !== DASH) return false;
    this.#at += 1;
    this.#seqRead = this.#number(bytes, MAX_SEQ_DIGITS);
    if (this.#seqRead === -1 || bytes[this.#at] !== LF) return false;
    this.#at += 1;
    return true;
  }

  /** -1 if there is no number, or it has leading zeros or too many digits. */
  #number(bytes: Buffer, digits: number): number {
    const from = this.#at;
    let value = 0;
    for (let digit = bytes[from]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[this.#at]! - ZERO) {
      value = value * 10 + digit;
      this.#at += 1;
      if (this.#at - from > digits) return -1;
    }
    const isBad = this.#at === from || (bytes[from] === ZERO && this.#at - from > 1);
    return isBad ? -1 : value;
  }
}

/** Where the next CR is. No frame of ours has one. */
export function nextCr(bytes: Buffer, from: number): number {
  const at = bytes.indexOf(CR, from);
  return at === -1 ? Infinity : at;
}
