/** Times in the reader's format. The browser formats them, because the server's Intl may be old. */
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

/** Calls `listener` when the day or the time zone has changed, so that shown times are wrong. @param {() => void} listener */
export function onNewDay(listener) {
  listeners.add(listener);
}

/** The time zone is the computer's, and computers travel. */
const dayAndZone = () => `${new Date().toDateString()} ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;

function look() {
  if (today === dayAndZone()) return;
  today = dayAndZone();
  formats.clear(); // each formatter keeps its time zone
  sayAgain();
  for (const listener of listeners) listener();
}

/** Timers stop while a computer sleeps, and clocks are changed, so this never waits for long. */
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
