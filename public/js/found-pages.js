/** The part of a conversation with a message that was found. */
import { Conversation } from './conversation.js';
import { HistoryPages } from './history-pages.js';

const FAR = 500;

/**
 * These pages, if they have the message or it lies not far above them; else other ones, which end a little below it.
 * Undefined if the server does not answer.
 * @param {HistoryPages} history @param {FoundMessage} found
 */
export async function pagesWith(history, found) {
  const { conversation, which, isEnough } = history;
  if (!conversation.knows(found)) await history.readEarlier(FAR);
  if (conversation.knows(found)) return history;
  const { me, mailbox, fold } = conversation;
  const others = new HistoryPages(new Conversation(me, mailbox, fold), which, isEnough);
  others.conversation.merge([found]); // as it was found: these pages may not know all its changes
  others.before = found.around;
  return (await others.readEarlier()) ? others : undefined;
}
