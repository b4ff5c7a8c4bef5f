/** Gathers what the stream brings for a moment: after a night's sleep, thousands of events may come together. */
const GATHER_MS = 20;

export class Arrivals {
  /** @type {StoredMessage[]} */ #messages = [];
  /** @type {MessageChange[]} */ #changes = [];
  #timer = 0;

  /** @param {(messages: StoredMessage[], changes: MessageChange[]) => void} onArrival */
  constructor(onArrival) {
    this.onArrival = onArrival;
  }

  /** @param {StoredMessage} message */
  addMessage(message) {
    this.#messages.push(message);
    this.#timer ||= setTimeout(() => this.#arrive(), GATHER_MS);
  }

  /** @param {MessageChange} change */
  addChange(change) {
    this.#changes.push(change);
    this.#timer ||= setTimeout(() => this.#arrive(), GATHER_MS);
  }

  #arrive() {
    this.#timer = 0;
    this.onArrival(this.#messages.splice(0), this.#changes.splice(0));
  }
}
