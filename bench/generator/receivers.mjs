/**
 * A listener of one mailbox for each transport, on bare sockets whose bytes are counted.
 * @typedef {{ requests: number, up: number, down: number }} Traffic  bytes of HTTP and WebSocket, without TCP and IP
 * @typedef {{ traffic: () => Traffic, close: () => void }} Receiver
 * @typedef {object} Listen
 * @property {number} port
 * @property {string} receiver
 * @property {(data: string) => void} onMessage
 * @property {(error: Error) => void} failed
 */
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { ChunkedBody, EventParser } from './follower.mjs';

const HEAD_END = '\r\n\r\n';
const POLL_MS = 1000;
const WAIT_S = 60;

/** @typedef {keyof typeof RECEIVERS} TransportName */

export const RECEIVERS = {
  poll: (/** @type {Listen} */ listen) => poll(listen, 'wait=0', POLL_MS),
  longPoll: (/** @type {Listen} */ listen) => poll(listen, `wait=${WAIT_S}`, 0),
  eventStream: (/** @type {Listen} */ listen) => stream(listen, 'text/event-stream', new EventParser(listen.onMessage)),
  lines: (/** @type {Listen} */ listen) =>
    stream(listen, 'application/x-ndjson', new Splitter('\n', (line) => messageIn(line, listen))),
  multipart: (/** @type {Listen} */ listen) =>
    stream(listen, 'multipart/x-mixed-replace', new Splitter('--next\r\n', (part) => partIn(part, listen))),
  webSocket,
};

/**
 * @param {Listen} listen @param {string} accept @param {{ feed: (text: string) => void }} parser
 * @returns {Promise<Receiver>}
 */
function stream({ port, receiver, failed }, accept, parser) {
  const { socket, traffic, close } = open(port, failed);
  traffic.requests = 1;
  socket.write(
    `GET /status?receiver=${receiver}&lastEventId=0-0 HTTP/1.1\r\nHost: localhost:${port}\r\nAccept: ${accept}\r\n\r\n`,
  );
  const body = new ChunkedBody((text) => parser.feed(text));
  let head = '';
  return new Promise((resolve) => {
    const readHead = (/** @type {string} */ text) => {
      head += text;
      const end = head.indexOf(HEAD_END);
      if (end === -1) return;
      if (!head.startsWith('HTTP/1.1 200')) return failed(new Error(`no stream: ${head.slice(0, 500)}`));
      socket.off('data', readHead);
      socket.on('data', (text) => body.feed(String(text)));
      body.feed(head.slice(end + HEAD_END.length));
      resolve({ traffic: count(socket, traffic), close });
    };
    socket.on('data', readHead);
  });
}

/**
 * Polls again as soon as there is an answer, or a while after it.
 * @param {Listen} listen @param {string} wait @param {number} everyMs @returns {Promise<Receiver>}
 */
async function poll({ port, receiver, onMessage, failed }, wait, everyMs) {
  const { socket, traffic, close } = open(port, failed);
  let cursor = '0-0';
  let text = '';
  const ask = () => {
    if (socket.destroyed) return;
    traffic.requests += 1;
    socket.write(
      `GET /status?receiver=${receiver}&lastEventId=${cursor}&${wait} HTTP/1.1\r\nHost: localhost:${port}\r\nAccept: application/json\r\n\r\n`,
    );
  };
  socket.on('data', (chunk) => {
    text += String(chunk);
    const end = text.indexOf(HEAD_END);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, Math.max(0, end)))?.[1]);
    if (end === -1 || text.length < end + HEAD_END.length + length) return;
    if (!text.startsWith('HTTP/1.1 200')) return failed(new Error(`no answer: ${text.slice(0, 500)}`));
    const answer = JSON.parse(text.slice(end + HEAD_END.length));
    text = '';
    cursor = answer.cursor;
    for (const { data } of answer.events) onMessage(data);
    if (everyMs > 0) setTimeout(ask, everyMs);
    else ask();
  });
  // Not all at the same moment: real listeners do not connect together.
  setTimeout(ask, Math.random() * everyMs);
  return { traffic: count(socket, traffic), close };
}

/** @param {Listen} listen @returns {Promise<Receiver>} */
function webSocket({ port, receiver, onMessage, failed }) {
  const { socket, traffic, close } = open(port, failed, 'bytes');
  traffic.requests = 1;
  const client = new WebSocket(`ws://127.0.0.1:${port}/?receiver=${receiver}`, {
    perMessageDeflate: false,
    createConnection: () => socket,
  });
  client.on('error', failed);
  client.on('message', (data) => onMessage(/** @type {Buffer} */ (data).toString()));
  return new Promise((resolve) =>
    client.once('open', () => resolve({ traffic: count(socket, traffic), close: () => (client.terminate(), close()) })),
  );
}

/** @param {number} port @param {(error: Error) => void} failed @param {'text' | 'bytes'} [as] */
function open(port, failed, as = 'text') {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  if (as === 'text') socket.setEncoding('latin1');
  socket.on('error', failed);
  const traffic = { requests: 0, up: 0, down: 0 };
  return { socket, traffic, close: () => socket.destroy() };
}

/** @param {import('node:net').Socket} socket @param {Traffic} traffic */
function count(socket, traffic) {
  return () => ({ ...traffic, up: socket.bytesWritten, down: socket.bytesRead });
}

/** @param {string} line @param {Listen} listen */
function messageIn(line, { onMessage }) {
  const { type, data } = JSON.parse(line);
  if (type === 'message') onMessage(data);
}

/** @param {string} part @param {Listen} listen */
function partIn(part, { onMessage }) {
  const end = part.indexOf(HEAD_END);
  if (end !== -1) onMessage(part.slice(end + HEAD_END.length, -'\r\n'.length));
}

/** Splits text that comes in pieces at a separator. */
class Splitter {
  #separator;
  #onPiece;
  #text = '';

  /** @param {string} separator @param {(piece: string) => void} onPiece */
  constructor(separator, onPiece) {
    this.#separator = separator;
    this.#onPiece = onPiece;
  }

  /** @param {string} text */
  feed(text) {
    const pieces = (this.#text + text).split(this.#separator);
    this.#text = pieces.pop() ?? '';
    for (const piece of pieces) this.#onPiece(piece);
  }
}
