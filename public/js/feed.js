/** The events of a mailbox, the same in all tabs that show it: from this tab's stream, or from the tab that leads. */
import { onDeadConnections } from './connections.js';
import { isChange } from './fold.js';
import { compareIds } from './positions.js';
import { MailStream } from './stream.js';
import { Tabs } from './tabs.js';

/** Collects all events from now on. Read the history next, and call `start` with its cursor. */
export class SharedFeed {
  /** What tabs that open later must be told. @type {Map<string, MailEvent>} */ #presence = new Map();
  /** @type {StreamState} */ #state = 'connecting';
  #cursor = '';

  /** @param {FeedOptions} options */
  constructor(options) {
    const { mailbox, person, other } = options;
    this.options = options;
    this.stream = new MailStream({
      ...options,
      onEvent: (event) => this.#pass({ kind: 'event', event }),
      onState: (state, quietMs) => this.#pass({ kind: 'state', state, quietMs }),
      onCursorRefused: () => this.#pass({ kind: 'refused' }),
    });
    this.stream.attend(other);
    this.tabs = new Tabs(JSON.stringify([mailbox, person]), {
      other,
      onLead: () => this.stream.start(this.#cursor),
      onYield: () => this.stream.close(),
      onMode: (mode) => (this.stream.mode = mode),
      onAsked: (note) => this.#welcome(note),
      onNote: (note) => this.#take(note),
      onWake: () => this.poke(),
    });
    this.forgetConnections = onDeadConnections(() => this.poke());
  }

  /** @param {string} cursor */
  start(cursor) {
    // Events that came meanwhile may be newer than the history.
    if (!this.#cursor || compareIds(cursor, this.#cursor) > 0) this.#cursor = cursor;
    if (this.tabs.leads) this.stream.start(this.#cursor);
    else if (this.#state === 'denied')
      this.tabs.lead(); // this tab has just got access
    else this.tabs.stand();
  }

  /** @param {number} [trustedMs] a stream that was silent for longer is opened again */
  poke(trustedMs) {
    if (this.tabs.leads) this.stream.poke(trustedMs);
    else this.tabs.tell({ kind: 'poke', trustedMs });
  }

  /** Tells the other tabs. Where streams are blocked, nothing else does. @param {object} stored what this tab has sent */
  tellSent(stored) {
    this.tabs.tell({ kind: 'event', event: { type: 'sent', data: JSON.stringify(stored) } });
  }

  suspect() {
    if (this.tabs.leads) void this.stream.suspect();
  }

  close() {
    this.forgetConnections();
    this.tabs.close();
    this.stream.close();
  }

  /** Reports a note here and in all tabs that follow. @param {TabNote} note */
  #pass(note) {
    this.tabs.tell(note);
    this.#take(note);
  }

  /** @param {TabNote & { from: string }} note */
  #welcome({ from, other, isNew }) {
    this.stream.attend(other);
    if (!isNew) return;
    this.tabs.tell({ kind: 'state', state: this.#state }, from);
    for (const event of this.#presence.values()) this.tabs.tell({ kind: 'event', event }, from);
  }

  /** @param {TabNote} note */
  #take({ kind, event, state, quietMs, trustedMs }) {
    if (kind === 'poke' && this.tabs.leads) this.stream.poke(trustedMs);
    else if (kind === 'refused') {
      this.#cursor = '';
      this.options.onCursorRefused();
    } else if (kind === 'state' && state) {
      this.#state = state;
      this.options.onState(state, quietMs);
    } else if (kind === 'event' && event) this.#event(event);
  }

  /** @param {MailEvent} event */
  #event(event) {
    const { type, id, data } = event;
    if (type === 'presence') this.#presence.set(JSON.parse(data).person, event);
    // Other events have the id of the last one that is stored.
    if (id && (type === 'message' || isChange(type))) {
      if (this.#cursor && compareIds(id, this.#cursor) <= 0) return; // two tabs may have led for a moment
      this.#cursor = id;
    }
    this.options.onEvent(event);
  }
}
