/** The first page: who are you, and whom do you want to talk to? */
import { Attention, countBadge } from './attention.js';
import { avatar, element } from './elements.js';
import { language, languageSwitch, onLanguageChange, say, sayIn, text } from './language.js';
import { cleanName, preparePage } from './page.js';
import { showPresence } from './presence.js';
import { readHistory, readPeople, Refusal } from './server.js';
import { recall, remember } from './storage.js';
import { openFeed } from './stream.js';
import { onNewDay, shortWhen } from './times.js';

// Whoever has not said who they are is offered everybody.
const STRANGER = 'guest';
const SETTLE_MS = 500;

const invited = cleanName(await preparePage());
const chosen = invited ?? cleanName(recall('me'));
if (invited) remember('me', invited);

const who = element('select', { id: 'me', class: 'field' });
const newMe = element('input', { id: 'new-me', class: 'field', hidden: true, autocapitalize: 'none', maxlength: '64' });
const people = element('ul', { class: 'people', role: 'list' });
const newcomer = element('input', { id: 'newcomer', class: 'field', autocapitalize: 'none', maxlength: '64' });
const badName = element('p', { id: 'bad-name', class: 'note', role: 'alert' });
const files = element('span');
const access = element('span');
const roomName = say(element('span', { class: 'name' }), 'lobby');
const form = element(
  'form',
  { class: 'line' },
  say(element('label', { for: 'newcomer' }), 'someoneNew'),
  newcomer,
  say(element('button', { class: 'button' }), 'begin'),
);
const attention = new Attention({ titleKey: 'app' });

let me = chosen ?? '';
/** @type {Person[]} */
let known = [];
let shown = '';
let soon = 0;
/** @type {Feed | undefined} */
let feed;

build();
await look();
if (chosen) await follow();

function build() {
  newcomer.setAttribute('aria-describedby', 'bad-name');
  sayIn(newMe, 'aria-label', 'youAre');
  const title = say(element('h1'), 'app');
  document.body.replaceChildren(
    element(
      'main',
      { class: 'card' },
      element('div', { class: 'card-head' }, element('span', { class: 'logo' }), title, languageSwitch()),
      element('div', { class: 'line' }, say(element('label', { for: 'me' }), 'youAre'), who, newMe),
      say(element('h2', { id: 'who-to' }), 'whoTo'),
      people,
      form,
      badName,
      say(element('h2'), 'rooms'),
      element('a', { class: 'person room-link', href: 'room.html?room=lobby' }, avatar('#'), roomName),
      element('p', { class: 'fine-print' }, files, ' ', access),
    ),
  );
  people.setAttribute('aria-labelledby', 'who-to');
  who.addEventListener('change', () => void become(who.value));
  newMe.addEventListener('change', () => {
    const name = readName(newMe);
    if (name) void become(name);
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const name = readName(newcomer);
    if (name) location.assign(chatAddress(name));
  });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
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

/** @param {HTMLInputElement} field */
function readName(field) {
  const name = cleanName(field.value);
  field.toggleAttribute('aria-invalid', !name);
  say(badName, name ? '' : 'badName', { n: 64 });
  if (!name) field.focus();
  return name;
}

/** @param {string} name '' for somebody who is not in the list */
async function become(name) {
  newMe.hidden = name !== '';
  if (!name) return newMe.focus();
  me = name;
  remember('me', me);
  feed?.close();
  feed = undefined;
  await look();
  await follow();
}

async function look() {
  try {
    me ||= (await readPeople(STRANGER)).people[0]?.name ?? '';
    const answer = await readPeople(me);
    known = answer.people;
    if (answer.dir) say(files, 'files', { dir: answer.dir });
    say(access, `access.${answer.access}`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.isDenied) say(badName, 'denied');
  }
  if (!me) newMe.hidden = false;
  show();
}

function lookSoon() {
  clearTimeout(soon);
  soon = setTimeout(() => void look(), SETTLE_MS);
}

/** Keeps the list true while it is looked at. */
async function follow() {
  const mine = me;
  const opened = await openFeed({
    mailbox: mine,
    onEvent: ({ type }) => type !== 'typing' && lookSoon(),
    onState: (state) => state === 'online' && lookSoon(),
    onCursorRefused: () => void begin(),
  });
  if (mine !== me) return opened.close();
  feed = opened;
  const begin = async () => {
    try {
      opened.start((await readHistory({ receiver: mine, sender: mine, limit: 1 })).cursor);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error; // the list stays as it was when the page came
    }
  };
  await begin();
}

/** Rebuilds the list only when it says something new: somebody may be going through it. */
function show() {
  const wording = JSON.stringify([language(), me, known, newMe.hidden]);
  if (wording === shown) return;
  shown = wording;
  const at = document.activeElement?.getAttribute('href');
  const names = [...new Set([me, ...known.map(({ name }) => name)])].filter(Boolean);
  who.replaceChildren(
    ...names.map((name) => element('option', { value: name }, name)),
    say(element('option', { value: '' }), 'someoneNew'),
  );
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
  const state = element('span', { class: 'state' });
  if (online !== undefined) showPresence(state, { online, lastSeen });
  return element(
    'a',
    { class: 'person', href: chatAddress(name) },
    avatar(name),
    element('span', {}, element('span', { class: 'name' }, name), ' ', state),
    unread ? countBadge(unread) : element('span'),
    last?.message ? element('span', { class: 'last', dir: 'auto' }, lastLine(last)) : undefined,
    last?.time ? element('span', { class: 'at' }, shortWhen(Date.parse(last.time))) : undefined,
  );
}

/** @param {Partial<StoredMessage>} last */
function lastLine({ sender, message = '' }) {
  const line = message.replaceAll(/\s+/g, ' ').slice(0, 120);
  return sender === me ? text('yourLast', { text: line }) : line;
}
