/** The first page: who are you, and whom do you want to talk to? */
import { Attention, countBadge } from './attention.js';
import { avatar, element } from './elements.js';
import { SharedFeed } from './feed.js';
import { inOneLine } from './files.js';
import { badName, becomeForGood, whoIsHere, whyRefused } from './identity.js';
import { language, languageSwitch, onLanguageChange, say, sayIn, text } from './language.js';
import { nameForm, takeName } from './name-form.js';
import { learnNames, shownName } from './names.js';
import { preparePage } from './page.js';
import { showPresence } from './notes.js';
import { backOffMs, readHistory, readPeople, Refusal } from './server.js';
import { onNewDay, shortWhen } from './times.js';

// A visitor who has not chosen a name sees everybody.
const STRANGER = 'guest';
const SETTLE_MS = 500;

const { ended } = await preparePage();
const here = await whoIsHere();
const { isLocked } = here;

const who = element('select', { id: 'me', class: 'field' });
const newMe = element('input', { id: 'new-me', class: 'field', hidden: true, autocapitalize: 'none' });
const self = element('p', { class: 'self' });
const people = element('ul', { class: 'people', role: 'list' });
const newcomer = nameForm({
  id: 'newcomer',
  label: 'someoneNew',
  button: 'begin',
  onName: ({ name }) => location.assign(chatAddress(name)),
});
const badMe = element('p', { id: 'bad-me', class: 'note', role: 'alert' });
const refusal = element('p', { class: 'note', role: 'alert' });
const choices = element('div');
const files = element('span');
const access = element('span');
const attention = new Attention({ titleKey: 'app' });

let me = here.me;
/** @type {Person[]} */
let known = [];
let shown = '';
let soon = 0;
let failures = 0;
/** @type {SharedFeed | undefined} */
let feed;

build();
const bad = badName();
if (bad) say(refusal, 'badNameHere', { who: bad });
if (ended) say(refusal, 'refused.link-ended');
if (isLocked && !me) await refuse();
else {
  const isChosen = me !== '';
  await look();
  if (isChosen) await follow();
}

function build() {
  newMe.setAttribute('aria-describedby', 'bad-me');
  sayIn(newMe, 'aria-label', 'youAre');
  choices.append(
    ...(isLocked && here.people.length < 2
      ? [self]
      : [
          element('div', { class: 'line' }, say(element('label', { for: 'me' }), 'youAre'), who, newMe),
          badMe,
          say(element('p', { class: 'about' }), isLocked ? '' : 'youAreAnyone'),
        ]),
    say(element('h2', { id: 'who-to' }), 'whoTo'),
    people,
    newcomer.form,
    newcomer.note,
    say(element('h2'), 'rooms'),
    room(),
    element('p', { class: 'fine-print' }, files, ' ', access),
  );
  const title = say(element('h1'), 'app');
  document.body.replaceChildren(
    element(
      'main',
      { class: 'card' },
      element('div', { class: 'card-head' }, element('span', { class: 'logo' }), title, languageSwitch()),
      refusal,
      choices,
    ),
  );
  people.setAttribute('aria-labelledby', 'who-to');
  if (me) show(); // my name is known before the list comes
  listen();
}

function room() {
  const name = say(element('span', { class: 'name' }), 'lobby');
  const about = say(element('span', { class: 'about' }), 'roomAbout');
  return element('a', { class: 'person room-link', href: 'room.html?room=lobby' }, avatar('#'), name, about);
}

function listen() {
  who.addEventListener('change', () => void become(who.value));
  newMe.addEventListener('change', () => void becomeSomebodyNew());
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    if (choices.hidden) return location.reload(); // a link in another tab may have given access meanwhile
    feed?.poke();
    lookSoon();
  });
  addEventListener('pagehide', () => feed?.close());
  onLanguageChange(show);
  onNewDay(() => {
    shown = '';
    show();
  });
}

/** @param {string} name '' for a person who is not in the list */
async function become(name) {
  newMe.hidden = name !== '';
  if (!name) return newMe.focus();
  me = name;
  becomeForGood(me);
  feed?.close();
  feed = undefined;
  await look();
  await follow();
}

async function becomeSomebodyNew() {
  const person = await takeName(newMe, badMe);
  if (person) await become(person.name);
}

/** Somebody without access has nothing to choose. */
async function refuse() {
  choices.hidden = true;
  const [key, values] = ended ? ['refused.link-ended', {}] : await whyRefused(me || undefined);
  say(refusal, key, values);
}

async function look() {
  try {
    me ||= (await readPeople(STRANGER)).people[0]?.name ?? '';
    const answer = await readPeople(me);
    known = answer.people;
    learnNames(
      known.flatMap(({ last }) => last ?? []),
      me,
    );
    if (answer.dir) say(files, 'files', { dir: answer.dir });
    say(access, `access.${answer.access}`);
    if (failures) say(refusal, '');
    failures = 0;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.isDenied) return refuse();
    if (error.code === 'INVALID_NAME' && me) {
      me = ''; // from an address, or stored by a version that accepted it
      return look();
    }
    if (!error.isFinal) {
      say(refusal, 'noAnswer');
      lookSoon(error.retryAfterMs ?? backOffMs(failures++));
    }
  }
  if (!me) newMe.hidden = false;
  show();
}

function lookSoon(inMs = SETTLE_MS) {
  clearTimeout(soon);
  soon = setTimeout(() => void look(), inMs);
}

/** Keeps the list up to date while somebody looks at it. */
async function follow() {
  const mine = me;
  feed?.close(); // the person may have changed meanwhile
  const opened = new SharedFeed({
    mailbox: mine,
    onEvent: ({ type }) => type !== 'typing' && lookSoon(),
    onState(state) {
      document.body.dataset.stream = state;
      if (state === 'online' || state === 'denied') lookSoon();
    },
    onCursorRefused: () => void begin(),
  });
  feed = opened;
  const begin = async () => {
    try {
      opened.start((await readHistory({ receiver: mine, sender: mine, limit: 1 })).cursor);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.isFinal || feed !== opened) return; // the list stays as it was
      setTimeout(() => void begin(), error.retryAfterMs ?? backOffMs(failures));
    }
  };
  await begin();
}

/** Rebuilds the list only if it has changed: somebody may be moving through it with the keyboard. */
function show() {
  const wording = JSON.stringify([language(), me, known, newMe.hidden]);
  if (wording === shown) return;
  shown = wording;
  const at = document.activeElement?.getAttribute('href');
  const names = isLocked ? here.people : [...new Set([me, ...known.map(({ name }) => name)])].filter(Boolean);
  who.replaceChildren(
    ...names.map((name) => element('option', { value: name }, shownName(name))),
    ...(isLocked ? [] : [say(element('option', { value: '' }), 'somebodyElse')]),
  );
  say(self, 'youAreHere', { who: shownName(me) });
  who.value = newMe.hidden ? me : '';
  const others = known.filter(({ name }) => name !== me);
  people.replaceChildren(...others.map((person) => element('li', {}, entry(person))));
  if (at) [...people.querySelectorAll('a')].find((link) => link.getAttribute('href') === at)?.focus();
  attention.here = others.reduce((sum, { unread = 0 }) => sum + unread, 0);
}

/** @param {string} name */
function chatAddress(name) {
  return `chat.html?${new URLSearchParams({ me, with: name }).toString()}`;
}

/** @param {Person} person */
function entry({ name, online, lastSeen, unread = 0, last }) {
  const state = element('span', { class: 'state', 'data-live': '' });
  if (online !== undefined) showPresence(state, { online, lastSeen });
  return element(
    'a',
    { class: 'person', href: chatAddress(name) },
    avatar(shownName(name)),
    element('span', {}, element('bdi', { class: 'name' }, shownName(name)), ' ', state),
    unread ? countBadge(unread) : element('span'),
    last ? element('span', { class: 'last', dir: 'auto' }, lastLine(last)) : undefined,
    last?.time ? element('span', { class: 'at' }, shortWhen(Date.parse(last.time))) : undefined,
  );
}

/** @param {Partial<StoredMessage>} last */
function lastLine({ sender, message, files, removed }) {
  const line = removed ? text('messageRemoved') : inOneLine({ message, files });
  return sender === me ? text('yourLast', { text: line }) : line;
}
