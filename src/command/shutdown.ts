import type { Server } from 'node:http';
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

/** Takes no more, says `bye` to every stream, finishes what is under way. */
export async function stopServing(server: Server, chat: MailboxChat): Promise<void> {
  server.close();
  setTimeout(() => server.closeAllConnections(), CUT_OFF_MS).unref();
  await chat.close();
  const connections = promisify(server.getConnections.bind(server));
  // A keep-alive connection whose last answer came after close() stays open, and close() itself looks only once.
  while ((await connections()) > 0) {
    server.closeIdleConnections();
    await pause(IDLE_CHECK_MS);
  }
}
