import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How many descriptors are kept for files: a quarter of all, and at least so many. */
const RESERVE_SHARE = 0.25;
const MIN_RESERVE = 100;
/** Idle connections end before the last one is taken: the system frees a descriptor only a moment after we end it. */
const FULL_SHARE = 0.9;

/** The connections without a request under way. The one that has been idle longest comes first. */
export function idleConnections(server: Server): Set<Socket> {
  const idle = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    idle.add(socket);
    socket.once('close', () => idle.delete(socket));
  });
  server.on('request', ({ socket }: IncomingMessage, res: ServerResponse) => {
    idle.delete(socket);
    res.once('close', () => {
      if (!socket.destroyed) idle.add(socket);
    });
  });
  return idle;
}

/**
 * Keeps descriptors for files, however many clients connect: without, no mail could be written. When there are too many
 * connections, the one that has been idle longest ends. When all are busy, a new one is closed at once.
 */
export function limitConnections(server: Server, idle: Set<Socket>, most = maxConnections()): void {
  if (most === undefined) return;
  server.maxConnections = most;
  let open = 0;
  server.on('connection', (socket: Socket) => {
    open += 1;
    socket.once('close', () => (open -= 1));
    const [first] = idle;
    if (!first || open <= most * FULL_SHARE) return;
    idle.delete(first);
    first.destroy();
  });
}

/** How many connections the descriptor limit of this process allows; undefined if we do not know it. */
function maxConnections(): number | undefined {
  const descriptors = descriptorLimit();
  if (descriptors === undefined) return undefined;
  const reserve = Math.max(MIN_RESERVE, Math.ceil(descriptors * RESERVE_SHARE));
  return Math.max(1, descriptors - reserve);
}

function descriptorLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined; // not Linux
  }
}
