/** What the page says about files. */
import { isPicture, readFiles } from './files.js';
import { locale, text } from './language.js';

/** A size for people: "1.5 MB". @param {number} bytes */
export function shownSize(bytes) {
  const unit = bytes < 999_500 ? 'kilobyte' : 'megabyte';
  const count = Math.max(bytes / (unit === 'kilobyte' ? 1e3 : 1e6), 0.1);
  const digits = unit === 'kilobyte' && count >= 1 ? 0 : 1;
  return new Intl.NumberFormat(locale(), { style: 'unit', unit, maximumFractionDigits: digits }).format(count);
}

/** A message in one line: what it says, or what it brings. @param {{ message?: string, files?: unknown }} message */
export function inOneLine({ message = '', files }) {
  const line = message.replaceAll(/\s+/g, ' ').slice(0, 120);
  const [first, ...others] = readFiles(files);
  if (!first) return line;
  if (!isPicture(first)) return `📎 ${line || first.name}`;
  return `📷 ${line || text('photos', { n: others.filter(isPicture).length + 1 })}`;
}
