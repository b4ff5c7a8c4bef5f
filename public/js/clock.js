/** Times as the reader writes them. Formatted here and never by the server: its Intl may be older than the browser's. */
import { locale, text } from './language.js';

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {string} name @param {Intl.DateTimeFormatOptions} options */
function format(name, options) {
  const key = `${locale()} ${name}`;
  const known = formats.get(key) ?? new Intl.DateTimeFormat(locale(), options);
  formats.set(key, known);
  return known;
}

/** 9:41 AM. @param {number} time */
export const clock = (time) => format('clock', { hour: 'numeric', minute: '2-digit' }).format(time);

/** A key that is the same for all times of a local day. @param {number} time */
export function dayKey(time) {
  const date = new Date(time);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** @param {number} time @returns {'today' | 'yesterday' | undefined} */
function nearDay(time) {
  const now = new Date();
  if (dayKey(time) === dayKey(now.getTime())) return 'today';
  if (dayKey(time) === dayKey(new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1).getTime()))
    return 'yesterday';
  return undefined;
}

/** Today, Yesterday, or the date in full. @param {number} time */
export function dayName(time) {
  const near = nearDay(time);
  return near ? text(near) : format('day', { dateStyle: 'full' }).format(time);
}

/** As short as it can be: the clock for today, else the day. @param {number} time */
export function shortWhen(time) {
  const near = nearDay(time);
  if (near === 'today') return clock(time);
  if (near) return new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(-1, 'day');
  return format('date', { dateStyle: 'medium' }).format(time);
}
