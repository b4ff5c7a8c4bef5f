/**
 * The minimum for a chat with node:http, which all floors share. It checks nothing but what it must parse. The floors
 * differ only in `keep`, which says when a message is safe.
 */
import { serve } from './ready.mjs';

/**
 * @typedef {{ sender: string, receiver: string, message: string, key: string }} Message
 * @typedef {{ receiver: string, id: string, data: string, frame: string }} Kept  `frame` is the event as streamed
 */

/** @type {Map<string, Set<import('node:http').ServerResponse>>} */
const followers = new Map();
let sequence = 0;

/**
 * `keep` must call `deliver` with the events that are safe, in order, and then `kept` for each.
 * @param {(event: Kept, kept: () => void) => void} keep
 */
export function serveChat(keep) {
  return serve((req, res) => {
    if (req.method === 'POST') post(req, res, keep);
    else follow(req, res);
  });
}

/** One write for each follower, however many events there are. @param {string} receiver @param {string} frames */
export function deliver(receiver, frames) {
  const streams = followers.get(receiver);
  if (streams) for (const stream of streams) stream.write(frames);
}

/**
 * Reads a message and answers 201 once `keep` has kept it.
 * @param {import('node:http').IncomingMessage} req
 * @param {import('node:http').ServerResponse} res
 * @param {(event: Kept, kept: () => void) => void} keep
 */
export function post(req, res, keep) {
  /** @type {Buffer[]} */
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const text = chunks.length === 1 ? String(chunks[0]) : Buffer.concat(chunks).toString();
    const event = eventOf(JSON.parse(text));
    keep(event, () => answer(res, event));
  });
}

/** @param {Message} message @returns {Kept} */
function eventOf({ sender, receiver, message, key }) {
  const now = Date.now();
  sequence += 1;
  const id = `${now}-${sequence}`;
  const data = JSON.stringify({ sender, receiver, message, time: new Date(now).toISOString(), key });
  return { receiver, id, data, frame: `id: ${id}\ndata: ${data}\n\n` };
}

/** @param {import('node:http').ServerResponse} res @param {Kept} event */
function answer(res, { id, data }) {
  const json = `{"id":"${id}",${data.slice(1)}`;
  res.writeHead(201, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(json) });
  res.end(json);
}

/** @param {import('node:http').IncomingMessage} req @param {import('node:http').ServerResponse} res */
function follow(req, res) {
  const receiver = new URLSearchParams(req.url?.split('?')[1]).get('receiver') ?? '';
  const streams = followers.get(receiver) ?? new Set();
  followers.set(receiver, streams.add(res));
  res.on('close', () => streams.delete(res));
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  res.write('retry: 3000\n\n');
}
