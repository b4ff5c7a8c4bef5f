/**
 * One stream for all tabs of a person: browsers allow six connections to a host, and the seventh tab would hang.
 * The first cursor opens it; what a later tab reads from the history after its hello joins up with what it is told.
 */
import { MailStream } from './stream.js';

/** @type {Set<MessagePort>} */
const tabs = new Set();
/** What a tab that comes later must be told. @type {Map<string, MailEvent>} */
const presence = new Map();
/** @type {MailStream | undefined} */
let stream;

/** @param {object} note */
function tellAll(note) {
  for (const tab of tabs) tab.postMessage(note, []);
}

/** @param {{ mailbox: string, person?: string, other?: string }} whose */
function streamOf(whose) {
  stream ??= new MailStream({
    ...whose,
    onEvent(event) {
      if (event.type === 'presence') presence.set(JSON.parse(event.data).person, event);
      tellAll({ event });
    },
    onState: (state, quietMs) => tellAll({ state, quietMs }),
    onCursorRefused: () => tellAll({ cursorRefused: true }),
  });
  stream.attend(whose.other);
  return stream;
}

addEventListener('connect', (event) => {
  const tab = event instanceof MessageEvent ? event.ports[0] : undefined;
  if (!tab) return;
  tab.addEventListener('message', ({ data }) => {
    if (data.hello) {
      tabs.add(tab);
      tab.postMessage({ welcome: true, state: streamOf(data.hello).state }, []);
      for (const event of presence.values()) tab.postMessage({ event }, []);
    } else if (data.start && stream && !stream.isStarted) stream.start(data.start);
    else if (data.poke) stream?.poke();
    else if (data.bye) tabs.delete(tab);
  });
  tab.start();
});
