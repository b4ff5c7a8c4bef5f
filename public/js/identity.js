/** The person that this tab belongs to, and the people that it may belong to. */
import { keepShownName, shownName, spelling } from './names.js';
import { ifAnswered, readName, readSession } from './server.js';
import { recall, recallInTab, remember, rememberInTab } from './storage.js';

const ME = 'me';
const BAD = 'bad-name';
const LONGEST = 200;

/** The person this tab belongs to; in a new tab, the person chosen last. */
const whoWasHere = () => spelling((recallInTab(ME) ?? recall(ME) ?? recall('room-name'))?.slice(0, LONGEST));

/** Makes this tab belong to a person. @param {string} name */
export const become = (name) => rememberInTab(ME, name);

/** Makes this tab and new tabs belong to a person. Other open tabs do not change. @param {string} name */
export function becomeForGood(name) {
  become(name);
  remember(ME, name);
}

/**
 * The people that this browser may act as. With links or a login, the server decides.
 * @returns {Promise<{ me: string, people: string[], isLocked: boolean }>}
 */
export async function whoIsHere() {
  const before = whoWasHere();
  const { people, mode } = await session();
  if (mode === 'open') return { me: before, people, isLocked: false };
  const me = people.includes(before) ? before : (people[0] ?? '');
  if (me) become(me);
  return { me, people, isLocked: true };
}

/** Without an answer the page goes on: the next request will show what is wrong. @param {string} [person] @returns {Promise<Session>} */
const session = async (person) =>
  (await ifAnswered(readSession(person || undefined))) ?? { people: [], mode: 'open', refusal: null };

/** Goes to the first page, which says that this cannot be a name. @param {string} name */
export function leaveFor(name) {
  rememberInTab(BAD, name);
  location.replace('./');
}

/** The name because of which another page came here. Returns it only once. */
export function badName() {
  const name = recallInTab(BAD);
  rememberInTab(BAD, '');
  return name?.slice(0, LONGEST);
}

/** Why this browser, or this person, is refused: a text and its values. @param {string} [person] @returns {Promise<[string, import('./language.js').Values]>} */
export async function whyRefused(person) {
  const { mode, people, refusal } = await session(person);
  const values = { who: people.map(shownName).join(', '), person: shownName(person ?? '') };
  return [refusal === 'other-person' ? `refused.${refusal}.${mode}` : `refused.${refusal || 'unknown'}`, values];
}

/** The person with a typed name. From now on, pages show the name as it was typed. @param {string} typed */
export async function personCalled(typed) {
  const person = await readName(typed);
  keepShownName(person);
  return person;
}
