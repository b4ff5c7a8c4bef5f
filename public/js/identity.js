/** Who one is in this tab, and whom one may be here. */
import { keepShownName, shownName, spelling } from './names.js';
import { readName, readSession, Refusal } from './server.js';
import { recall, recallInTab, remember, rememberInTab } from './storage.js';

const ME = 'me';
const BAD = 'bad-name';

/** Whoever this tab belongs to; in a new tab, whoever was chosen last. */
export const whoWasHere = () => spelling(recallInTab(ME) ?? recall(ME) ?? recall('room-name'));

/** This tab is theirs from now on. @param {string} name */
export const become = (name) => rememberInTab(ME, name);

/** New tabs begin as theirs, too; those that are open stay whose they are. @param {string} name */
export function becomeForGood(name) {
  become(name);
  remember(ME, name);
}

/**
 * Whom this browser may be. Where the server lets in by links or a login, one is nobody else.
 * @returns {Promise<{ me: string, people: string[], isLocked: boolean }>}
 */
export async function whoIsHere() {
  const before = whoWasHere();
  const { people, mode } = await readSession().catch(whenUnanswered);
  if (mode === 'open') return { me: before, people, isLocked: false };
  const me = people.includes(before) ? before : (people[0] ?? '');
  if (me) become(me);
  return { me, people, isLocked: true };
}

/** What is asked for next finds out. @param {unknown} error @returns {Session} */
function whenUnanswered(error) {
  if (!(error instanceof Refusal)) throw error;
  return { people: [], mode: 'open', refusal: null };
}

/** Back to the first page, which says that this cannot be a name. @param {string} name */
export function leaveFor(name) {
  rememberInTab(BAD, name);
  location.replace('./');
}

/** The name for which another page was left. Told once. */
export function badName() {
  const name = recallInTab(BAD);
  rememberInTab(BAD, '');
  return name;
}

/** Why nobody is let in here, or not this person, in words. @param {string} [person] @returns {Promise<[string, import('./language.js').Values]>} */
export async function whyRefused(person) {
  const { mode, people, refusal } = await readSession(person || undefined).catch(whenUnanswered);
  const values = { who: people.map(shownName).join(', '), person: shownName(person ?? '') };
  return [refusal === 'other-person' ? `refused.${refusal}.${mode}` : `refused.${refusal || 'unknown'}`, values];
}

/** The person of a typed name, who is shown by it from now on. @param {string} typed */
export async function personCalled(typed) {
  const person = await readName(typed);
  keepShownName(person);
  return person;
}
