// Runs a chat on a free port and tells its parent process the port: node chat-process.mjs <dir> <options as JSON>
// With `login`, its host application takes the header `x-user` as the name of the caller.
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
