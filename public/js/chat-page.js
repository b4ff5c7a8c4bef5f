/** Two people talk: `chat.html?me=…&with=…`, or with both names fixed on the root element. */
import { Attention } from './attention.js';
import { buildFrame } from './chat-frame.js';
import { Chat } from './chat.js';
import { prepareNotifications } from './notifications.js';
import { cleanName, preparePage } from './page.js';
import { Receipts, showPresence, PassingLine } from './presence.js';
import { readPeople, Refusal, reportTyping } from './server.js';
import { onChangedElsewhere, remember } from './storage.js';

const LONGEST_MESSAGE = 4000;
const TYPING_EVERY_MS = 3000;

const invited = await preparePage();
const query = new URLSearchParams(location.search);
const fixed = document.documentElement.dataset;
const me = cleanName(fixed.me ?? query.get('me') ?? invited);
const other = cleanName(fixed.with ?? query.get('with'));
if (me && other) await talk(me, other);
else {
  if (invited) remember('me', invited); // the link's key is spent: the picker could not tell who has come
  location.replace('./');
}

/** @param {string} me @param {string} other */
async function talk(me, other) {
  if (!fixed.me) remember('me', me);
  const frame = buildFrame({ who: other, heading: 'heading', label: 'label' });
  const attention = new Attention({ titleKey: 'title', who: other, badge: frame.elsewhere });
  const notify = prepareNotifications({ me, bell: frame.bell });
  const receipts = new Receipts({ receiver: me, sender: other });
  const typing = new PassingLine(frame.happening);
  const tellTyping = typingReporter(me, other);
  /** @type {Map<string, number>} */
  const unread = new Map();

  const showUnread = () => (attention.elsewhere = [...unread.values()].reduce((sum, count) => sum + count, 0));

  const askPeople = async () => {
    try {
      const { people } = await readPeople(me);
      unread.clear();
      for (const { name, unread: count = 0 } of people) if (name !== other && name !== me) unread.set(name, count);
      showUnread();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error; // then nothing is counted
    }
  };

  const chat = new Chat({
    me,
    other,
    mailbox: me,
    longest: LONGEST_MESSAGE,
    frame,
    onReceived: (id) => receipts.note('delivered', id),
    onRead: (id) => receipts.note('read', id),
    onUnread: (count) => (attention.here = count),
    onArrival(messages) {
      typing.show('');
      const last = messages.at(-1);
      if (last) notify({ title: last.foreign ? me : other, body: last.message, from: other, mailbox: me, id: last.id });
    },
    onStranger(sender, { message, id }) {
      unread.set(sender, (unread.get(sender) ?? 0) + 1);
      showUnread();
      notify({ title: sender, body: message, from: sender, mailbox: me, id });
    },
    onConnected: () => void askPeople(),
    onTyping: tellTyping.now,
    onSent: tellTyping.again,
    onEvent({ type, data }) {
      const told = JSON.parse(data);
      if (type === 'presence' && told.person === other && !told.room) showPresence(frame.subtitle, told);
      if (type === 'typing' && told.sender === other) typing.show('typing', other, told.forMs);
    },
  });
  document.addEventListener('visibilitychange', () => void askPeople());
  onChangedElsewhere(`seen/${me}/`, () => setTimeout(() => void askPeople(), 1000));
  await Promise.all([chat.open(), askPeople()]);
}

/** @param {string} sender @param {string} receiver */
function typingReporter(sender, receiver) {
  let next = 0;
  return {
    now: () => {
      if (Date.now() < next) return;
      next = Date.now() + TYPING_EVERY_MS;
      reportTyping({ sender, receiver }).catch(() => undefined); // told again while typing goes on
    },
    /** A message has ended it: what is typed next is told at once. */
    again: () => void (next = 0),
  };
}
