import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Descriptors that are kept for files: a quarter of all, and no fewer. */
const RESERVE_SHARE = 0.25;
const MIN_RESERVE = 100;
/** Room is made before the last connection is taken: the system closes those that we end a moment later. */
const FULL_SHARE = 0.9;

/**
 * Leaves descriptors for files, however many connect: mail could not be written without. When connections become many,
 * the one that has been idle longest ends; when all are busy, a new one is closed at once.
 */
export function limitConnections(server: Server, most = mostConnections()): void {
  if (most === undefined) return;
  server.maxConnections = most;
  let open = 0;
  const idle = new Set<Socket>(); // longest first

  server.on('connection', (socket: Socket) => {
    open += 1;
    idle.add(socket);
    socket.once('close', () => {
      open -= 1;
      idle.delete(socket);
    });
    if (open > most * FULL_SHARE) endFirst(idle);
  });
  server.on('request', ({ socket }: IncomingMessage, res: ServerResponse) => {
    idle.delete(socket);
    res.once('close', () => {
      if (!socket.destroyed) idle.add(socket);
    });
  });
}

function endFirst(idle: Set<Socket>): void {
  const [first] = idle;
  if (!first) return;
  idle.delete(first);
  first.destroy();
}

/** By the descriptor limit of this process; undefined where there is none that we know. */
function mostConnections(): number | undefined {
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
