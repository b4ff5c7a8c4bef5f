import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { MailboxChat } from '../mailbox-chat.ts';
import { CLEAN, RUNTIME } from './ending.ts';

/** We promise to exit within 5 s. Whoever has not read `bye` by now never will … */
const CUT_OFF_MS = 4_000;
/** … and what has not been written by now was not accepted either. */
const GIVE_UP_MS = 4_800;
const IDLE_CHECK_MS = 50;

/**
 * At the first SIGINT, SIGTERM or SIGHUP, runs `stop` and exits: with 0 if it went well and in time. A second Ctrl+C exits
 * at once. A second SIGHUP does not: a closing terminal may send several.
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

/** Returns what ends the server: no new connections, `bye` on every stream, then the rest. */
export function stopperOf(server: Server, idle: ReadonlySet<Socket>, chat: MailboxChat): () => Promise<void> {
  const connections = promisify(server.getConnections.bind(server));
  return async () => {
    server.close();
    setTimeout(() => server.closeAllConnections(), CUT_OFF_MS).unref();
    await chat.close();
    // A keep-alive connection whose last answer came after close() stays open, and close() itself looks only once.
    while ((await connections()) > 0) {
      server.closeIdleConnections();
      // Browsers open some in advance, and Node does not count those as idle.
      for (const socket of idle) if (socket.bytesRead === 0) socket.destroy();
      await pause(IDLE_CHECK_MS);
    }
  };
}
