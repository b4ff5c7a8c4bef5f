// A chat in a process of its own, on a free port, which it tells its parent: node chat-process.mjs <dir>
import { createServer } from 'node:http';
import { mailboxChat } from '../../dist/index.js';

const chat = mailboxChat({ dir: process.argv[2], sendRate: 0 });
const server = createServer(chat).listen(0, '127.0.0.1', () => process.send(server.address()));

process.on('disconnect', () => void close());

async function close() {
  await chat.close();
  server.close();
  server.closeAllConnections();
}
