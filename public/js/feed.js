/**
 * What happens in a mailbox, as it happens: through the worker that all tabs of a person share, or, where there are no
 * shared workers, through a stream of this page's own.
 *
 * @typedef {import('./stream.js').StreamState} StreamState
 * @typedef {{ mailbox: string, person?: string, onEvent: (event: import('./server.js').MailEvent) => void,
 *   onState: (state: StreamState, quietMs?: number) => void, onCursorRefused: () => void }} FeedOptions
 * @typedef {{ start: (cursor: string) => void, poke: () => void, close: () => void }} Feed
 */
import { MailStream } from './stream.js';

const WELCOME_WITHIN_MS = 2000;

/**
 * Resolves once every event from now on will be passed on; then read the history and `start` with its cursor.
 * @param {FeedOptions} options @returns {Promise<Feed>}
 */
export async function openFeed(options) {
  return (await openSharedFeed(options)) ?? new MailStream(options);
}

/** @param {FeedOptions} options @returns {Promise<Feed | undefined>} */
function openSharedFeed({ mailbox, person, onEvent, onState, onCursorRefused }) {
  if (typeof SharedWorker === 'undefined') return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const name = `${mailbox} ${person ?? ''}`;
    const worker = new SharedWorker(new URL('./stream-worker.js', import.meta.url), { type: 'module', name });
    const { port } = worker;
    const giveUp = () => {
      port.postMessage({ bye: true });
      port.close();
      resolve(undefined);
    };
    const patience = setTimeout(giveUp, WELCOME_WITHIN_MS);
    worker.addEventListener('error', giveUp);
    port.addEventListener('message', ({ data }) => {
      if (data.event) onEvent(data.event);
      if (data.state) onState(data.state, data.quietMs);
      if (data.cursorRefused) onCursorRefused();
      if (!data.welcome) return;
      clearTimeout(patience);
      worker.removeEventListener('error', giveUp);
      resolve({
        start: (cursor) => port.postMessage({ start: cursor }),
        poke: () => port.postMessage({ poke: true }),
        close: () => port.postMessage({ bye: true }),
      });
    });
    port.start();
    port.postMessage({ hello: { mailbox, person } });
  });
}
