import { connect } from 'node:net';

/**
 * @typedef {object} Follow
 * @property {number} port
 * @property {string} receiver
 * @property {string | undefined} [cursor]  the page always has one; `0-0` is that of an empty mailbox
 * @property {string | undefined} [localAddress]  one address has 28,000 ports only
 * @property {(data: string) => void} [onMessage]  gets the data of each default `message` event
 * @property {(bytes: Buffer) => void} [onBytes]  gets what comes as it comes, instead
 * @property {(error: Error) => void} failed
 */

const HEAD_END = '\r\n\r\n';

/**
 * Opens an event stream. Once the head of the answer has come, resolves to a function that closes it.
 * @param {Follow} follow @returns {Promise<() => void>}
 */
export function openStream({ port, receiver, cursor, localAddress, onMessage, onBytes, failed }) {
  const query = cursor === undefined ? '' : `&lastEventId=${cursor}`;
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, ...(localAddress && { localAddress }) });
  socket.write(
    `GET /status?receiver=${receiver}${query} HTTP/1.1\r\nHost: localhost:${port}\r\nAccept: text/event-stream\r\n\r\n`,
  );
  let closed = false;
  const close = () => {
    closed = true;
    socket.destroy();
  };
  socket.on('error', failed);
  socket.on('close', () => closed || onBytes || failed(new Error(`the stream of ${receiver} was closed`)));
  return new Promise((resolve) => {
    if (onBytes) {
      socket.once('data', () => resolve(close));
      socket.on('data', onBytes);
      return;
    }
    const events = new EventParser(onMessage ?? (() => undefined));
    /** @type {{ feed: (text: string) => void }} */
    let body = events;
    socket.setEncoding('latin1');
    let head = '';
    const readHead = (/** @type {string} */ text) => {
      head += text;
      const end = head.indexOf(HEAD_END);
      if (end === -1) return;
      if (!head.startsWith('HTTP/1.1 200')) return failed(new Error(`no stream: ${head.slice(0, 500)}`));
      if (/\r\ntransfer-encoding: chunked/i.test(head.slice(0, end)))
        body = new ChunkedBody((text) => events.feed(text));
      socket.off('data', readHead);
      socket.on('data', (text) => body.feed(String(text)));
      body.feed(head.slice(end + HEAD_END.length));
      resolve(close);
    };
    socket.on('data', readHead);
  });
}

/** Decodes `Transfer-Encoding: chunked` without waiting for whole chunks. */
export class ChunkedBody {
  #onText;
  #text = '';
  #left = 0;

  /** @param {(text: string) => void} onText */
  constructor(onText) {
    this.#onText = onText;
  }

  /** @param {string} text */
  feed(text) {
    let at = 0;
    const all = this.#text === '' ? text : this.#text + text;
    this.#text = '';
    while (at < all.length) {
      if (this.#left > 2) {
        const payload = all.slice(at, at + this.#left - 2);
        at += payload.length;
        this.#left -= payload.length;
        this.#onText(payload);
      } else if (this.#left > 0) {
        const ended = Math.min(this.#left, all.length - at);
        at += ended;
        this.#left -= ended;
      } else {
        const end = all.indexOf('\r\n', at);
        if (end === -1) {
          this.#text = all.slice(at);
          return;
        }
        this.#left = Number.parseInt(all.slice(at, end), 16) + 2;
        at = end + 2;
      }
    }
  }
}

/** Finds the data of default `message` events in an event stream whose lines end with LF. */
export class EventParser {
  #onMessage;
  #text = '';

  /** @param {(data: string) => void} onMessage */
  constructor(onMessage) {
    this.#onMessage = onMessage;
  }

  /** @param {string} text */
  feed(text) {
    const all = this.#text === '' ? text : this.#text + text;
    let from = 0;
    for (let end = all.indexOf('\n\n'); end !== -1; end = all.indexOf('\n\n', from)) {
      this.#event(all.slice(from, end));
      from = end + 2;
    }
    this.#text = all.slice(from);
  }

  /** @param {string} block */
  #event(block) {
    let type = 'message';
    let data;
    for (const line of block.split('\n')) {
      const colon = line.indexOf(':');
      const field = colon === -1 ? line : line.slice(0, colon);
      const value = line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
      if (field === 'event') type = value;
      else if (field === 'data') data = data === undefined ? value : `${data}\n${value}`;
    }
    if (data !== undefined && type === 'message') this.#onMessage(data);
  }
}
