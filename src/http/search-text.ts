import { MailboxError } from '../words/mailbox-error.ts';
import type { IsWanted } from '../words/mailbox-store.ts';

const LEAST = 2;
const MOST = 200;

/** V8 puts short strings where memory is cheap: parts of this size are searched three times as fast as the whole. */
const PART_BYTES = 64 * 1024;
/** More than the longest text takes, with all its characters escaped. */
const OVERLAP_BYTES = 4096;

/** What somebody searches for: words, of any case, that follow each other, also as parts of words. */
export class SearchText {
  readonly #text: RegExp;
  /** Finds the longest of the words in the UTF-8 bytes of a log, each byte taken as one character. */
  readonly #bytes: RegExp;

  /** INVALID_REQUEST if it is too short or too long. */
  constructor(input = '') {
    const words = input.normalize('NFC').trim().split(/\s+/u);
    const length = Array.from(words.join(' ')).length;
    if (length < LEAST || length > MOST) {
      throw new MailboxError('INVALID_REQUEST', `"text" must have ${LEAST} to ${MOST} characters.`);
    }
    const longest = words.toSorted((a, b) => b.length - a.length)[0]!;
    this.#text = new RegExp(words.map(literal).join('\\s+'), 'iu');
    this.#bytes = new RegExp(Array.from(longest, inBytes).join(''), 'i');
  }

  isIn(message: string): boolean {
    return this.#text.test(message.normalize('NFC'));
  }

  /** Tells without reading the events whether the text may be in one of them. */
  readonly mayBeIn: IsWanted = (bytes) => {
    for (let from = 0; from < bytes.length; from += PART_BYTES) {
      if (this.#bytes.test(bytes.toString('latin1', from, from + PART_BYTES + OVERLAP_BYTES))) return true;
    }
    return false;
  };
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}

/** All that a character may look like in JSON: upper or lower case, in one code point or several, escaped or not. */
function inBytes(character: string): string {
  if (/[a-z0-9]/i.test(character)) return character; // nobody escapes those
  const cases = [character, character.toLowerCase(), character.toUpperCase()];
  const forms = new Set([...cases, ...cases.map((one) => one.normalize('NFD'))]);
  return `(?:${[...forms].map((form) => Array.from(form, writtenAs).join('')).join('|')})`;
}

function writtenAs(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  const escaped = units.map((unit) => String.raw`\\u${unit.toString(16).padStart(4, '0')}`).join('');
  return String.raw`(?:\\?${literal(Buffer.from(character).toString('latin1'))}|${escaped})`;
}
