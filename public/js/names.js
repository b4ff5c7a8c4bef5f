/** The names that people type for themselves, in addition to the names of their mailboxes. */
import { recall, recallInTab, remember, rememberInTab } from './storage.js';

const LONGEST_SHOWN = 64;

/** The server's spelling of a name. Only the server decides whether it is valid. @param {string | null | undefined} name */
export const spelling = (name) =>
  (name ?? '')
    .trim()
    .normalize('NFC')
    .toLowerCase()
    .normalize('NFC')
    .replaceAll(/([ij])\u0307+/g, '$1');

/** Stores how a name was typed if that is another spelling. @param {{ name: string, shown: string }} person */
export const keepShownName = ({ name, shown }) => remember(`shown/${name}`, spelling(shown) === name ? '' : shown);

/** Their messages tell how others type their names. @type {Map<string, string>} */
const told = new Map();

/** @param {readonly Partial<StoredMessage>[]} messages @param {string} me */
export function learnNames(messages, me) {
  for (const { sender, name } of messages) {
    if (!sender || !name || sender === me || told.get(sender) === name) continue;
    told.set(sender, name);
    rememberInTab(`shown/${sender}`, name); // from the first page to the conversation
  }
}

/** The name as its owner types it, if that is known. @param {string} name */
export function shownName(name) {
  const shown = told.get(name) ?? recallInTab(`shown/${name}`) ?? recall(`shown/${name}`) ?? '';
  return shown && shown.length <= LONGEST_SHOWN && lettersOf(shown) === lettersOf(name) ? shown : name;
}

/** Nobody is shown with somebody else's name. @param {string} name */
const lettersOf = (name) => spelling(name).replaceAll(/[^\p{L}\p{M}\p{N}]/gu, '');
