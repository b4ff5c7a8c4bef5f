/** Pages of the history far above the newest ones. */
import { Conversation } from './conversation.js';
import { HistoryPages } from './history-pages.js';

const FAR = 500;
const MOST_PAGES = 40;

/**
 * These pages, if they have the message or it lies not far above them; else other ones, which end a little below it.
 * Undefined if the server does not answer.
 * @param {HistoryPages} history @param {FoundMessage} found @param {() => void} onChange
 */
export async function pagesWith(history, found, onChange) {
  const { conversation } = history;
  if (!conversation.knows(found)) await history.readEarlier(FAR);
  if (conversation.knows(found)) return history;
  const others = new FarPages(history, onChange);
  others.conversation.merge([found]); // as it was found: these pages may not know all its changes
  others.before = found.around;
  return (await others.readEarlier()) ? others : undefined;
}

class FarPages extends HistoryPages {
  #changes = Promise.resolve();

  /** @param {HistoryPages} newest @param {() => void} onChange */
  constructor(newest, onChange) {
    const { me, mailbox, fold } = newest.conversation;
    super(new Conversation(me, mailbox, fold), newest.which, newest.isEnough);
    this.newest = newest;
    this.onChange = onChange;
  }

  /** @param {number} [limit] */
  async readEarlier(limit) {
    const came = await super.readEarlier(limit);
    this.#changes = this.#changes.then(() => this.#readChanges());
    return came;
  }

  /** A message that was edited much later has no text here, and looks removed. The edit is on a page between these and the newest. */
  async #readChanges() {
    const { newest, conversation } = this;
    const isOpen = (/** @type {ChatMessage} */ { id, isRemoved }) => isRemoved && !conversation.fold.knows(id);
    for (let pages = 0; pages < MOST_PAGES && newest.hasMore && conversation.messages.some(isOpen); pages++) {
      if (!(await newest.readEarlier(FAR))) return;
      const changed = conversation.applyAgain(({ isRemoved }) => isRemoved);
      if (changed.some(({ isRemoved }) => !isRemoved)) this.onChange();
    }
  }
}
