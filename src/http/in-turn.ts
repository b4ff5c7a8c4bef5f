import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How many requests one connection may send before it has its answers. Browsers wait for each. */
const MAX_WAITING = 100;
/** A client that takes nothing of its answer for this long is not reading. */
const UNREAD_MS = 30_000;
/** How long the rest of a body may take that nobody reads. Node would wait as long as for a large file. */
const UNSENT_MS = 10_000;

const waiting = new WeakMap<Socket, number>();

/**
 * Begins a request when the kernel has taken the answers before it on the same connection. Node would begin all of them
 * at once and keep the answers in memory.
 */
export function inTurn(req: IncomingMessage, res: ServerResponse, begin: () => void): void {
  res.once('prefinish', () => endIfUnread(res)).once('finish', () => endIfUnsent(req));
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

/** Ends a connection that does not move while the kernel has not taken all of the answer. */
function endIfUnread(res: ServerResponse): void {
  const { socket } = res;
  if (!socket?.writableLength) return;
  socket.setTimeout(UNREAD_MS, () => res.destroy());
  res.prependOnceListener('finish', () => socket.setTimeout(0)); // before Node sets its own, for the pause between requests
}

/** Ends a connection if the body of the request that was answered does not come, which the next request would follow. */
function endIfUnsent(req: IncomingMessage): void {
  if (req.complete) return;
  const late = setTimeout(() => req.socket.destroy(), UNSENT_MS).unref();
  req.once('close', () => clearTimeout(late));
}
