/** A chat of two people: `chat.html?me=…&with=…`, or with both names fixed on the root element. */
import { Attention } from './attention.js';
import { buildFrame } from './chat-frame.js';
import { Chat } from './chat.js';
import { become, leaveFor } from './identity.js';
import { say, sayAgain } from './language.js';
import { shownName, spelling } from './names.js';
import { preparePage } from './page.js';
import { PassingLine, showPresence } from './notes.js';
import { Receipts } from './reading.js';
import { ifAnswered, readName, readPeople, reportTyping } from './server.js';
import { onChangedElsewhere } from './storage.js';

const LONGEST_MESSAGE = 4000;
const TYPING_EVERY_MS = 3000;

const { person: invited } = await preparePage();
const query = new URLSearchParams(location.search);
const fixed = document.documentElement.dataset;
const me = spelling(fixed.me ?? query.get('me') ?? invited);
const other = spelling(fixed.with ?? query.get('with'));
if (me && other) await talk(me, other);
else location.replace(`./${location.hash}`); // a link that has ended: the first page says so

/** @param {string} me @param {string} other */
async function talk(me, other) {
  become(me);
  const isNotes = me === other;
  let who = shownName(other);
  const words = isNotes
    ? { heading: 'notes', label: 'writeNote', placeholder: 'writeNote' }
    : { heading: 'heading', label: 'label' };
  const frame = buildFrame({ me, other, ...words });
  if (isNotes) {
    say(frame.subtitle, 'notesPlace');
    say(frame.empty, 'emptyNotes');
  }
  const attention = new Attention({ titleKey: isNotes ? 'notesTitle' : 'title', who, badge: frame.elsewhere });
  const receipts = new Receipts({ receiver: me, sender: other });
  const typing = new PassingLine(frame.happening);
  const tellTyping = typingReporter(me, other);
  /** @type {Map<string, number>} */
  const unread = new Map();

  const showUnread = () => (attention.elsewhere = [...unread.values()].reduce((sum, count) => sum + count, 0));

  /** Mail from the other person may bring another spelling of their name. */
  const showName = () => {
    if (who === shownName(other)) return;
    who = shownName(other);
    frame.showTitle();
    sayAgain();
  };

  const askPeople = async () => {
    const answer = await ifAnswered(readPeople(me));
    if (!answer) return; // there are no counts
    if (fixed.me && answer.access === 'open') say(frame.beside, 'beside', { me, who });
    unread.clear();
    for (const { name, unread: count = 0 } of answer.people) if (name !== other && name !== me) unread.set(name, count);
    showUnread();
  };

  const chat = new Chat({
    me,
    other,
    mailbox: me,
    longest: LONGEST_MESSAGE,
    frame,
    onReceived(id) {
      receipts.note('delivered', id);
      showName();
    },
    onRead: (id) => receipts.note('read', id),
    onUnread: (count) => (attention.here = count),
    onArrival(messages) {
      typing.show('');
      showName();
      const last = messages.at(-1);
      if (last) void chat.notify(shownName(last.foreign ? me : other), last);
    },
    onStranger(sender, message) {
      unread.set(sender, (unread.get(sender) ?? 0) + 1);
      showUnread();
      void chat.notify(shownName(sender), message, sender);
    },
    onConnected: () => void askPeople(),
    onBadName: () => void leaveForBadName(me, other),
    onTyping: isNotes ? undefined : tellTyping.now,
    onSent: tellTyping.again,
    onEvent({ type, data }) {
      const told = JSON.parse(data);
      if (type === 'presence' && told.person === other && !told.room) {
        showPresence(frame.subtitle, told);
        if (told.online) say(frame.empty, 'empty');
        else if (!told.lastSeen) void tellStranger(frame, other);
      }
      if (type === 'typing' && told.sender === other) typing.show('typing', who, told.forMs);
    },
  });
  document.addEventListener('visibilitychange', () => void askPeople());
  onChangedElsewhere(`seen/${me}/`, () => setTimeout(() => void askPeople(), 1000));
  await Promise.all([chat.open(), askPeople()]);
}

/** Warns about an unknown name: if it is misspelt, nobody gets the messages. @param {Frame} frame @param {string} other */
async function tellStranger({ subtitle, empty }, other) {
  const answer = await ifAnswered(readName(other));
  if (!answer || answer.known || subtitle.classList.contains('is-online')) return;
  say(subtitle, 'neverHere');
  say(empty, 'emptyStranger', { who: shownName(other) });
}

/** One of these is not a valid name, or not in its canonical spelling. @param {string} me @param {string} other */
async function leaveForBadName(me, other) {
  const { name } = await readName(me).catch(() => ({ name: '' }));
  leaveFor(name === me ? other : me);
}

/** @param {string} sender @param {string} receiver */
function typingReporter(sender, receiver) {
  let next = 0;
  return {
    now: () => {
      if (Date.now() < next) return;
      next = Date.now() + TYPING_EVERY_MS;
      reportTyping({ sender, receiver }).catch(() => undefined); // sent again while typing goes on
    },
    /** A sent message ends typing: what is typed next is reported at once. */
    again: () => void (next = 0),
  };
}
