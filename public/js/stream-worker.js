/**
 * One stream for all tabs of a person: browsers allow six connections to a host over HTTP/1.1, and the seventh tab
 * would hang, its sends included.
 *
 * A tab says `{ hello }`, then `{ start: cursor }`; the first cursor opens the stream, later ones are not needed: what a
 * tab reads from the history after its hello is complete up to what it will be told here.
 */
import { MailStream } from './stream.js';

/** @type {Set<MessagePort>} */
const tabs = new Set();
/** @type {MailStream | undefined} */
let stream;

/** @param {object} note */
function tellAll(note) {
  for (const tab of tabs) tab.postMessage(note, []);
}

/** @param {{ mailbox: string, person?: string }} whose */
function streamOf(whose) {
  stream ??= new MailStream({
    ...whose,
    onEvent: (event) => tellAll({ event }),
    onState: (state, quietMs) => tellAll({ state, quietMs }),
    onCursorRefused: () => tellAll({ cursorRefused: true }),
  });
  return stream;
}

addEventListener('connect', (event) => {
  const tab = event instanceof MessageEvent ? event.ports[0] : undefined;
  if (!tab) return;
  tab.addEventListener('message', ({ data }) => {
    if (data.hello) {
      tabs.add(tab);
      tab.postMessage({ welcome: true, state: streamOf(data.hello).state }, []);
    } else if (data.start && stream && !stream.isStarted) stream.start(data.start);
    else if (data.poke) stream?.poke();
    else if (data.bye) tabs.delete(tab);
  });
  tab.start();
});
