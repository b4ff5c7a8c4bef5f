/** A room where several people talk: `room.html?room=lobby`. People enter with a name. */
import { Attention } from './attention.js';
import { buildFrame } from './chat-frame.js';
import { Chat } from './chat.js';
import { element } from './elements.js';
import { becomeForGood, leaveFor, whoIsHere } from './identity.js';
import { languageSwitch, say, sayIn } from './language.js';
import { shownName, spelling } from './names.js';
import { loadNameForm, loadStyles } from './later.js';
import { preparePage } from './page.js';
import { PassingLine } from './notes.js';

const LONGEST_NAME = 20;
const LONGEST_MESSAGE = 1000;
const PREFIX = 'room.';

await preparePage();
const query = new URLSearchParams(location.search);
const room = spelling(query.get('room') ?? 'lobby');
if (room) {
  const attention = new Attention({ titleKey: 'roomTitle', who: room });
  const { me, isLocked } = await whoIsHere();
  const asks = !isLocked && (!me || query.has('rename'));
  await enter({ room, me: asks ? await askName(room, me) : me, attention, isLocked });
} else location.replace('./');

/** @param {string} room @param {string} before @returns {Promise<string>} */
async function askName(room, before) {
  document.body.className = 'picker';
  const [{ nameForm, STYLE }, { addStyle }] = await Promise.all([loadNameForm(), loadStyles()]);
  await addStyle(STYLE);
  return new Promise((resolve) => {
    const { form, note, input } = nameForm({
      id: 'name',
      label: 'roomName',
      button: 'roomEnter',
      longest: LONGEST_NAME,
      onName: ({ name }) => {
        becomeForGood(name);
        history.replaceState(null, '', `?${new URLSearchParams({ room }).toString()}`);
        resolve(name);
      },
    });
    const heading = say(element('h1'), 'room', { who: room });
    const about = say(element('p', { class: 'about' }), 'roomAbout');
    document.body.replaceChildren(
      element(
        'main',
        { class: 'card' },
        element('div', { class: 'card-head' }, heading, languageSwitch()),
        about,
        form,
        note,
      ),
    );
    input.setAttribute('autocomplete', 'nickname');
    input.value = shownName(before);
    input.focus();
  });
}

/** In open mode, people may change their names. @param {HTMLElement} button @param {string} room @param {boolean} isLocked */
function offerRenaming(button, room, isLocked) {
  button.hidden = isLocked;
  for (const attribute of ['aria-label', 'title']) sayIn(button, attribute, 'rename');
  const address = `?${new URLSearchParams({ room, rename: '' }).toString()}`;
  button.addEventListener('click', () => location.assign(address));
}

/** @param {{ room: string, me: string, attention: Attention, isLocked: boolean }} options */
async function enter({ room, me, attention, isLocked }) {
  const mailbox = PREFIX + room;
  document.body.className = 'chat room';
  const frame = buildFrame({ me, other: room, heading: 'room', label: 'roomLabel' });
  const notice = new PassingLine(frame.happening);
  offerRenaming(frame.rename, room, isLocked);

  const chat = new Chat({
    me,
    other: mailbox,
    mailbox,
    longest: LONGEST_MESSAGE,
    frame,
    onBadName: () => leaveFor(room),
    onUnread: (count) => (attention.here = count),
    onArrival(messages) {
      const last = messages.at(-1);
      if (last) void chat.notify(shownName(last.sender) || room, last);
    },
    onEvent({ type, data }) {
      const told = JSON.parse(data);
      if (type !== 'presence' || !told.room) return;
      if (typeof told.count === 'number') say(frame.subtitle, 'greeting', { who: shownName(me), n: told.count });
      if (told.person !== me) notice.show(told.online ? 'cameOnline' : 'wentOffline', shownName(told.person));
    },
  });
  await chat.open();
}
