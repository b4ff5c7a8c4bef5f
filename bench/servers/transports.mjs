/**
 * Floor: in memory only. Sends each message to all who listen by event stream, multipart or WebSocket, to show what each
 * transport costs by itself.
 */
import { WebSocketServer } from 'ws';
import { post } from './raw-http.mjs';
import { serve } from './ready.mjs';

const BOUNDARY = 'next';

/** @typedef {(event: import('./raw-http.mjs').Kept) => void} Follower */

/** @type {Map<string, Set<Follower>>} */
const followers = new Map();

const server = serve((req, res) => {
  if (req.method === 'POST') return post(req, res, deliver);
  const isMultipart = req.headers.accept?.startsWith('multipart/') ?? false;
  const type = isMultipart ? `multipart/x-mixed-replace; boundary=${BOUNDARY}` : 'text/event-stream';
  res.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-cache' });
  res.write(isMultipart ? `--${BOUNDARY}\r\n` : 'retry: 3000\n\n');
  follow(receiverOf(req), res, isMultipart ? ({ data }) => res.write(part(data)) : ({ frame }) => res.write(frame));
});

const webSockets = new WebSocketServer({ server, perMessageDeflate: false });
webSockets.on('connection', (socket, req) => follow(receiverOf(req), socket, ({ data }) => socket.send(data)));

/** @param {import('./raw-http.mjs').Kept} event @param {() => void} kept */
function deliver(event, kept) {
  for (const follower of followers.get(event.receiver) ?? []) follower(event);
  kept();
}

/** @param {string} receiver @param {import('node:events').EventEmitter} connection @param {Follower} follower */
function follow(receiver, connection, follower) {
  const all = followers.get(receiver) ?? new Set();
  followers.set(receiver, all.add(follower));
  connection.on('close', () => all.delete(follower));
}

/** Sends the boundary after a part with it: it shows that the part is whole. @param {string} data */
function part(data) {
  return `Content-Type: application/json\r\n\r\n${data}\r\n--${BOUNDARY}\r\n`;
}

/** @param {import('node:http').IncomingMessage} req */
function receiverOf(req) {
  return new URLSearchParams(req.url?.split('?')[1]).get('receiver') ?? '';
}
