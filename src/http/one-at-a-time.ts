import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests that one connection may have sent ahead of their answers. Browsers send none. */
const MAX_WAITING = 100;
/** A client that takes nothing of its answer for so long is not reading it. */
const UNREAD_MS = 30_000;

const waiting = new WeakMap<Socket, number>();

/**
 * Begins a request when the answers before it on its connection are with the kernel. Node would have all of them
 * answered at once, and keep the answers in memory.
 */
export function inTurn(req: IncomingMessage, res: ServerResponse, begin: () => void): void {
  res.once('prefinish', () => endIfUnread(res));
  if (res.socket) return begin();
  const { socket } = req;
  const ahead = (waiting.get(socket) ?? 0) + 1;
  waiting.set(socket, ahead);
  if (ahead > MAX_WAITING) socket.destroy();
  else
    res.once('socket', () => {
      waiting.set(socket, waiting.get(socket)! - 1);
      begin();
    });
}

/** Some of it may be with neither the kernel nor the client: then the connection must move. */
function endIfUnread(res: ServerResponse): void {
  const { socket } = res;
  if (!socket?.writableLength) return;
  socket.setTimeout(UNREAD_MS, () => res.destroy());
  res.prependOnceListener('finish', () => socket.setTimeout(0)); // before Node sets its own for the time between requests
}
