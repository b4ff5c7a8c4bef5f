/** Peer: a chat as one would write it with Express 5 and better-sse, in memory, with a channel for each receiver. */
import { createChannel, createSession } from 'better-sse';
import express from 'express';
import { sayReady } from './ready.mjs';

/** @type {Map<string, import('better-sse').Channel>} */
const channels = new Map();
let sequence = 0;

const app = express();

app.post('/messages', express.json(), (req, res) => {
  const { sender, receiver, message, key } = req.body;
  sequence += 1;
  const id = String(sequence);
  const stored = { sender, receiver, message, time: new Date().toISOString(), key };
  channels.get(receiver)?.broadcast(stored, 'message', { eventId: id });
  res.status(201).json({ id, ...stored });
});

app.get('/status', async (req, res) => {
  const session = await createSession(req, res);
  channelOf(/** @type {string} */ (req.query['receiver'])).register(session);
});

const server = app.listen(0, '127.0.0.1', () => sayReady(server)());

/** @param {string} receiver */
function channelOf(receiver) {
  const channel = channels.get(receiver) ?? createChannel();
  channels.set(receiver, channel);
  return channel;
}
