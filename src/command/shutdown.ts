import type { Server } from 'node:http';
import type { MailboxChat } from '../mailbox-chat.ts';
import { CLEAN, RUNTIME } from './ending.ts';

/** We promise to be gone within 5 s. By then whoever has not heard `bye` never will … */
const CUT_OFF_MS = 4_000;
/** … and what has not been written was not accepted either. */
const GIVE_UP_MS = 4_800;

const IDLE_CHECK_MS = 50;

/**
 * Runs `stop` at the first SIGINT or SIGTERM and exits, 0 if it went well and in time; at the second one exits at once.
 * Returns the way to stop without a signal, which counts as none: a Ctrl+C may come on top of it.
 */
export function onStopSignal(stop: () => Promise<void>): () => void {
  let stopping = false;
  const stopOnce = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(RUNTIME), GIVE_UP_MS).unref();
    void stop().then(() => process.exit(CLEAN)); // a failure ends the process in process-end.ts
  };
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals > 1) process.exit(RUNTIME);
    stopOnce();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return stopOnce;
}

/** Takes no more, says `bye` to every stream, finishes what is under way. */
export async function stopServing(server: Server, chat: MailboxChat): Promise<void> {
  const closed = new Promise<unknown>((resolve) => server.close(resolve)); // an error: it was not listening yet
  setTimeout(() => server.closeAllConnections(), CUT_OFF_MS).unref();
  await chat.close();
  await Promise.race([closed, unconnected(server)]);
}

/** A keep-alive connection whose last answer came after close() stays open: newer Nodes never say that the server is closed. */
function unconnected(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      server.closeIdleConnections(); // close() itself looks only once
      server.getConnections((_error, count) => (count === 0 ? resolve() : undefined));
    };
    setInterval(look, IDLE_CHECK_MS).unref();
  });
}
