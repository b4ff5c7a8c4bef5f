/** The files that a message names, and what the page says of them. Whatever names them, in a mailbox or in this browser, is checked here. */
import { locale, text } from './language.js';

export const MOST_FILES = 10;
export const MOST_FILE_BYTES = 20 * 2 ** 20;

/** Shown in place. Anything else is only downloaded. */
const PICTURES = ['image/png', 'image/apng', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'];

/** They would turn "gpj.exe" into "exe.jpg", or break a line. */
const MISLEADING = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The files of a message that is stored. @param {unknown} files @returns {SharedFile[]} */
export const readFiles = (files) => listOf(files).flatMap((file) => (isHash(file?.sha256) ? readFile(file) : []));

/** The files of a letter, which this browser keeps until it is sent. @param {unknown} files @returns {SharedFile[]} */
export const readKeptFiles = (files) =>
  listOf(files).flatMap((file) => (typeof file?.kept === 'string' ? { ...readFile(file), kept: file.kept } : []));

/** @param {unknown} files */
const listOf = (files) => (Array.isArray(files) ? files.slice(0, MOST_FILES) : []);

/** @param {unknown} sha256 */
const isHash = (sha256) => typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256);

/** @param {Record<string, unknown>} file @returns {SharedFile} */
function readFile({ name, type, bytes, sha256, width, height }) {
  return {
    name: (typeof name === 'string' && name.slice(0, 255).replaceAll(MISLEADING, '')) || 'file',
    type: typeof type === 'string' ? type : '',
    bytes: isCount(bytes) ? bytes : 0,
    ...(isCount(width) && isCount(height) && { width, height }),
    ...(typeof sha256 === 'string' && { sha256 }),
  };
}

/** @param {unknown} value @returns {value is number} */
const isCount = (value) => typeof value === 'number' && value > 0 && Number.isSafeInteger(value);

/** @param {{ type: string }} file */
export const isPicture = ({ type }) => PICTURES.includes(type);

/** Larger pictures would cost a phone too much memory: they are only downloaded. */
const MOST_PIXELS = 50e6;

/** Whether its size is known, and small enough to show it. @param {{ width?: number, height?: number }} picture */
export const isShowable = ({ width = 0, height = 0 }) => width * height > 0 && width * height <= MOST_PIXELS;

/** How a file's name ends, after a dot. @param {string} name */
export const endingOf = (name) => /\.[^.\s]{1,8}$/.exec(name)?.[0] ?? '';

/** A sign for a file, from its name: "PDF". @param {string} name */
export const kindOf = (name) => endingOf(name).slice(1, 5).toUpperCase();

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
