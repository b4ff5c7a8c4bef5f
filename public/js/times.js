/** Times as the reader writes them; never formatted by the server, whose Intl may be old. */
import { locale, sayAgain, text } from './language.js';

const LOOK_EVERY_MS = 60_000;

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();
/** @type {Set<() => void>} */
const listeners = new Set();
let today = '';

/** @param {string} name @param {Intl.DateTimeFormatOptions} options */
function format(name, options) {
  const key = `${locale()} ${name}`;
  const known = formats.get(key) ?? new Intl.DateTimeFormat(locale(), options);
  formats.set(key, known);
  return known;
}

/** @param {number} time */
export const clock = (time) => format('clock', { hour: 'numeric', minute: '2-digit' }).format(time);

/** @param {number} time */
export const dayKey = (time) => new Date(time).toDateString();

/** @param {number} time */
function nearDay(time) {
  const yesterday = new Date();
  if (dayKey(time) === dayKey(yesterday.getTime())) return 'today';
  yesterday.setDate(yesterday.getDate() - 1);
  return dayKey(time) === dayKey(yesterday.getTime()) ? 'yesterday' : undefined;
}

/** @param {number} time */
export function dayName(time) {
  const near = nearDay(time);
  return near ? text(near) : format('day', { dateStyle: 'full' }).format(time);
}

/** @param {number} time */
export function shortWhen(time) {
  const near = nearDay(time);
  if (near === 'today') return clock(time);
  return near ? text(near).toLowerCase() : format('date', { dateStyle: 'medium' }).format(time);
}

/** Calls `listener` when it is another day, or another time zone: what was shown then is wrong. @param {() => void} listener */
export function onNewDay(listener) {
  listeners.add(listener);
}

/** The zone is that of the computer, which travels. */
const dayAndZone = () => `${new Date().toDateString()} ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;

function look() {
  if (today === dayAndZone()) return;
  today = dayAndZone();
  formats.clear(); // each has its zone
  sayAgain();
  for (const listener of listeners) listener();
}

/** Timers stand still while a computer sleeps, and clocks are set: never waits for long. */
function lookLater() {
  const midnight = new Date().setHours(24, 0, 0, 0);
  setTimeout(
    () => {
      look();
      lookLater();
    },
    Math.min(LOOK_EVERY_MS, Math.max(midnight - Date.now(), 0) + 1),
  );
}

today = dayAndZone();
lookLater();
for (const type of ['focus', 'pageshow']) addEventListener(type, look);
document.addEventListener('visibilitychange', look);
