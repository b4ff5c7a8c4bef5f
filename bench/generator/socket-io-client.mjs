/** The same two roles with the client of Socket.IO, on a bare WebSocket. It costs more than ours. */
import { io } from 'socket.io-client';

/** @param {number} port @param {(error: Error) => void} failed */
function connectTo(port, failed) {
  const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true, reconnection: false });
  socket.on('connect_error', failed);
  return socket;
}

export class SocketIoPublisher {
  #socket;

  /** @param {number} port @param {(error: Error) => void} failed */
  constructor(port, failed) {
    this.#socket = connectTo(port, failed);
  }

  /** @param {string} json @param {() => void} answered */
  post(json, answered) {
    this.#socket.emit('message', JSON.parse(json), () => answered());
  }

  close() {
    this.#socket.disconnect();
  }
}

/** @param {import('./follower.mjs').Follow} follow @returns {Promise<() => void>} */
export async function openSocketIo({ port, receiver, onMessage, failed }) {
  const socket = connectTo(port, failed);
  socket.on('message', (event) => onMessage?.(JSON.stringify(event)));
  await socket.emitWithAck('follow', receiver);
  return () => socket.disconnect();
}
