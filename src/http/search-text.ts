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
  readonly #text: string;
  /** Finds a part of the text in the UTF-8 bytes of a log, each byte taken as one character. */
  readonly #bytes: RegExp;

  /** INVALID_REQUEST if it is too short or too long. */
  constructor(input = '') {
    const text = input.trim().normalize('NFC').replaceAll(/\s+/gu, ' ');
    const characters = Array.from(text);
    if (characters.length < LEAST || characters.length > MOST) {
      throw new MailboxError('INVALID_REQUEST', `"text" must have ${LEAST} to ${MOST} characters.`);
    }
    this.#text = folded(text);
    this.#bytes = new RegExp(longestRun(characters).map(inBytes).join(''), 'i');
  }

  isIn(message: string): boolean {
    return folded(message).includes(this.#text);
  }

  /** Tells without reading the events whether the text may be in one of them. */
  readonly mayBeIn: IsWanted = (bytes) => {
    for (let from = 0; from < bytes.length; from += PART_BYTES) {
      if (this.#bytes.test(bytes.toString('latin1', from, from + PART_BYTES + OVERLAP_BYTES))) return true;
    }
    return false;
  };
}

/** The same for all spellings of a text. In upper case, since the lower case of a letter may depend on those beside it. */
function folded(text: string): string {
  return text.normalize('NFC').toUpperCase().replaceAll(/\s+/gu, ' ');
}

/** The longest run of different characters in a word. If they repeated, a regular expression could search for ever. */
function longestRun(characters: readonly string[]): string[] {
  let longest: string[] = [];
  let run: string[] = [];
  for (const character of characters) {
    run = character === ' ' ? [] : [...run.slice(run.indexOf(character) + 1), character];
    if (run.length > longest.length) longest = run;
  }
  return longest;
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
