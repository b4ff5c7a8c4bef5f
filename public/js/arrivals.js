/** What the stream brings of this conversation, gathered for a moment: after a night's sleep, thousands of events may come. */
import { readMail } from './conversation.js';
import { isChange, readChange } from './fold.js';

const GATHER_MS = 20;

export class Arrivals {
  /** @type {StoredMessage[]} */ #messages = [];
  /** @type {MessageChange[]} */ #changes = [];

  /**
   * @param {Pick<ChatOptions, 'me' | 'other' | 'onReceived' | 'onStranger'> & { isRoom: boolean, onUnreadable: () => void,
   *   onArrival: (messages: StoredMessage[], changes: MessageChange[]) => void }} options
   */
  constructor(options) {
    this.options = options;
  }

  /** False if it is neither a message nor a change. @param {MailEvent} event */
  take({ type, id = '', data }) {
    if (type === 'message') this.#takeMessage(data);
    else if (isChange(type)) this.#takeChange(data);
    else return false;
    this.options.onReceived?.(id);
    return true;
  }

  /** @param {string} data */
  #takeMessage(data) {
    const { me, other, isRoom, onStranger, onUnreadable } = this.options;
    const message = readMail(data);
    const sender = message?.sender ?? null;
    if (!message) onUnreadable();
    else if (sender === null || isRoom || sender === other) {
      this.#messages.push(message);
      this.#arriveSoon();
    } else if (sender !== me) onStranger?.(sender, message);
  }

  /** @param {string} data */
  #takeChange(data) {
    const change = readChange(data);
    if (!change || (!this.options.isRoom && change.sender !== this.options.other)) return;
    this.#changes.push(change);
    this.#arriveSoon();
  }

  #arriveSoon() {
    if (this.#messages.length + this.#changes.length > 1) return;
    setTimeout(() => this.options.onArrival(this.#messages.splice(0), this.#changes.splice(0)), GATHER_MS);
  }
}
