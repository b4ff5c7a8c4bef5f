// A chat in a process of its own, on a free port, which it tells its parent: node chat-process.mjs <dir> <options as JSON>
// With `login`, its host application takes the name in the header `x-user` for whoever asks.
import { createServer } from 'node:http';
import { mailboxChat } from '../../dist/index.js';

const { login = false, ...options } = JSON.parse(process.argv[3] ?? '{}');
const identify = (req) => req.headers['x-user'];
const chat = mailboxChat({ dir: process.argv[2], sendRate: 0, ...options, ...(login && { identify }) });
const server = createServer(chat).listen(0, '127.0.0.1', () => process.send(server.address()));

process.on('disconnect', () => void close());

async function close() {
  await chat.close();
  server.close();
  server.closeAllConnections();
}
