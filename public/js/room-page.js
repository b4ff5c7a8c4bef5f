/** Several talk in a room: `room.html?room=lobby`. One enters with a name. */
import { Attention } from './attention.js';
import { buildFrame } from './chat-frame.js';
import { Chat } from './chat.js';
import { element } from './elements.js';
import { languageSwitch, say } from './language.js';
import { prepareNotifications } from './notifications.js';
import { cleanName, preparePage } from './page.js';
import { PassingLine } from './presence.js';
import { recall, remember } from './storage.js';

const LONGEST_NAME = 20;
const LONGEST_MESSAGE = 1000;

const invited = await preparePage();
const room = cleanName(new URLSearchParams(location.search).get('room') ?? 'lobby');
if (room) {
  const attention = new Attention({ titleKey: 'roomTitle', who: room });
  const name = cleanName(invited ?? recall('room-name'), LONGEST_NAME) ?? (await askName(room));
  await enter(room, name, attention);
} else location.replace('./');

/** @param {string} room @returns {Promise<string>} */
function askName(room) {
  document.body.className = 'picker';
  const input = element('input', {
    id: 'name',
    class: 'field',
    autocomplete: 'nickname',
    autocapitalize: 'none',
    'aria-describedby': 'bad-name',
  });
  const note = element('p', { id: 'bad-name', class: 'note', role: 'alert' });
  const form = element(
    'form',
    {},
    element(
      'div',
      { class: 'line' },
      say(element('label', { for: 'name' }), 'roomName'),
      input,
      say(element('button', { class: 'button' }), 'roomEnter'),
    ),
    note,
  );
  const heading = say(element('h1'), 'room', { who: room });
  document.body.replaceChildren(
    element('main', { class: 'card' }, element('div', { class: 'card-head' }, heading, languageSwitch()), form),
  );
  input.focus();
  return new Promise((resolve) => {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const name = cleanName(input.value, LONGEST_NAME);
      input.toggleAttribute('aria-invalid', !name);
      if (name) {
        remember('room-name', name);
        resolve(name);
      } else say(note, 'badName', { n: LONGEST_NAME });
    });
  });
}

/** @param {string} room @param {string} me @param {Attention} attention */
async function enter(room, me, attention) {
  const mailbox = `room.${room}`;
  document.body.className = 'chat room';
  const frame = buildFrame({ who: room, heading: 'room', label: 'roomLabel' });
  const notify = prepareNotifications({ me, bell: frame.bell });
  const notice = new PassingLine(frame.happening);

  const chat = new Chat({
    me,
    other: mailbox,
    mailbox,
    longest: LONGEST_MESSAGE,
    frame,
    onUnread: (count) => (attention.here = count),
    onArrival(messages) {
      const last = messages.at(-1);
      if (last) notify({ title: last.sender || room, body: last.message, from: mailbox, mailbox, id: last.id });
    },
    onEvent({ type, data }) {
      const told = JSON.parse(data);
      if (type !== 'presence' || !told.room) return;
      if (typeof told.count === 'number') say(frame.subtitle, 'greeting', { who: me, n: told.count });
      if (told.person !== me) notice.show(told.online ? 'cameOnline' : 'wentOffline', told.person);
    },
  });
  await chat.open();
}
