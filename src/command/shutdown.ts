import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { MailboxChat } from '../mailbox-chat.ts';
import { CLEAN, RUNTIME } from './ending.ts';

/** We promise to be gone within 5 s. By then whoever has not heard `bye` never will … */
const CUT_OFF_MS = 4_000;
/** … and what has not been written was not accepted either. */
const GIVE_UP_MS = 4_800;
const IDLE_CHECK_MS = 50;

/**
 * Runs `stop` at the first SIGINT, SIGTERM or SIGHUP and exits, 0 if it went well and in time. A second Ctrl+C exits at
 * once; a second SIGHUP does not: a closing terminal may send several.
 */
export function onStopSignal(stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping && signal !== 'SIGHUP') process.exit(RUNTIME);
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(RUNTIME), GIVE_UP_MS).unref();
    void stop().then(() => process.exit(CLEAN)); // a failure ends the process in ending.ts
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
}

/** What takes no more, says `bye` to every stream and finishes what is under way. To be asked for before `server` listens. */
export function stopperOf(server: Server, chat: MailboxChat): () => Promise<void> {
  const connections = promisify(server.getConnections.bind(server));
  const silent = silentConnections(server);
  return async () => {
    server.close();
    setTimeout(() => server.closeAllConnections(), CUT_OFF_MS).unref();
    await chat.close();
    // A keep-alive connection whose last answer came after close() stays open, and close() itself looks only once.
    while ((await connections()) > 0) {
      server.closeIdleConnections();
      for (const socket of silent) if (socket.bytesRead === 0) socket.destroy();
      await pause(IDLE_CHECK_MS);
    }
  };
}

/** On which nothing was asked yet: browsers open some ahead, and Node does not count them as idle. */
function silentConnections(server: Server): ReadonlySet<Socket> {
  const silent = new Set<Socket>();
  server.on('request', ({ socket }) => silent.delete(socket));
  server.on('connection', (socket: Socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  return silent;
}
