/**
 * Peer: Socket.IO with connection state recovery, in memory: a room for each receiver, an acknowledgement as answer.
 */
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { sayReady } from './ready.mjs';

const server = createServer();
const io = new Server(server, { connectionStateRecovery: {} });
let sequence = 0;

io.on('connection', (socket) => {
  socket.on('follow', async (receiver, followed) => {
    await socket.join(receiver);
    followed();
  });
  socket.on('message', ({ sender, receiver, message, key }, accepted) => {
    sequence += 1;
    const stored = { id: String(sequence), sender, receiver, message, time: new Date().toISOString(), key };
    io.to(receiver).emit('message', stored);
    accepted(stored);
  });
});

server.listen(0, '127.0.0.1', sayReady(server));
