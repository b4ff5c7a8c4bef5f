import { MailboxError } from '../words/mailbox-error.ts';
import type { IsWanted } from '../words/mailbox-store.ts';

const LEAST = 2;
const MOST = 200;

/** V8 puts short strings where memory is cheap: parts of this size are searched three times as fast as the whole. */
const PART_BYTES = 64 * 1024;
/** More than the longest run takes, with all its characters escaped. */
const OVERLAP_BYTES = 512;
/** A longer run would take longer to find, and not pass over more. */
const MAX_RUN = 16;
/** Below this are nearly all letters that have cases. */
const CASES_END = 0x3000;
/** Nobody escapes these in JSON. */
const PLAIN = /^[\w.,:;!?()@#-]$/;

/** What somebody searches for: words, of any case, that follow each other, also as parts of words. */
export class SearchText {
  readonly #text: string;
  /** Finds a part of the text in the UTF-8 bytes of a log, each byte taken as one character … */
  readonly #inBytes: RegExp;
  /** … and in the data of an event. */
  readonly #inData: RegExp;

  /** INVALID_REQUEST if it is too short or too long. */
  constructor(input = '') {
    const text = input.trim().normalize('NFC').replaceAll(/\s+/gu, ' ');
    const characters = Array.from(text);
    if (characters.length < LEAST || characters.length > MOST) {
      throw new MailboxError('INVALID_REQUEST', `"text" must have ${LEAST} to ${MOST} characters.`);
    }
    this.#text = folded(text);
    const run = longestRun(text.match(/ss|./giu)!); // `ss` may be written `ß`
    this.#inBytes = patternOf(run, (form) => Buffer.from(form).toString('latin1'));
    this.#inData = patternOf(run, (form) => form);
  }

  isIn(message: string): boolean {
    return folded(message).includes(this.#text);
  }

  /** Tells without reading the events whether the text may be in one of them. */
  readonly mayBeIn: IsWanted = (bytes) => {
    for (let from = 0; from < bytes.length; from += PART_BYTES) {
      if (this.#inBytes.test(bytes.toString('latin1', from, from + PART_BYTES + OVERLAP_BYTES))) return true;
    }
    return false;
  };

  /** Tells without parsing the data of an event whether the text may be in it. */
  mayBeInData(data: string): boolean {
    return this.#inData.test(data);
  }
}

/** The same for all spellings of a text. In upper case, since the lower case of a letter may depend on those beside it. */
function folded(text: string): string {
  return text.normalize('NFC').toUpperCase().replaceAll(/\s+/gu, ' ');
}

/** The longest run in a word. If characters with several spellings repeated, a regular expression could search for ever. */
function longestRun(characters: readonly string[]): string[] {
  let longest: string[] = [];
  let run: string[] = [];
  for (const character of characters) {
    const last = PLAIN.test(character) ? -1 : run.indexOf(character);
    run = character === ' ' ? [] : [...run.slice(last + 1), character].slice(-MAX_RUN);
    if (run.length > longest.length) longest = run;
  }
  return longest;
}

/** Finds a run of characters, written in whatever way. */
function patternOf(run: readonly string[], encode: (form: string) => string): RegExp {
  const anyOf = (forms: readonly string[]): string => {
    const written = new Set(forms.map((form) => Array.from(form, (one) => writtenAs(one, encode)).join('')));
    return written.size === 1 ? [...written].join('') : `(?:${[...written].join('|')})`;
  };
  return new RegExp(run.map((character) => anyOf(spellingsOf(character))).join(''), 'i');
}

/** A character as it may stand in JSON. */
function writtenAs(character: string, encode: (form: string) => string): string {
  const literal = encode(character).replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
  if (PLAIN.test(character)) return literal.toLowerCase();
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  const escaped = units.map((unit) => String.raw`\\u${unit.toString(16).padStart(4, '0')}`).join('');
  return String.raw`(?:\\?${literal}|${escaped})`;
}

/** By folded text: the letters that fold to it. */
let letters: ReadonlyMap<string, string[]> | undefined;

/** All that folds to the same as this: in upper or lower case, in one code point or several. */
function spellingsOf(text: string): string[] {
  letters ??= lettersByFolded();
  const same = [text, text.toLowerCase(), folded(text), ...(letters.get(folded(text)) ?? [])];
  return same.flatMap((one) => [one, one.normalize('NFD')]);
}

function lettersByFolded(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (let code = 0x80; code < CASES_END; code += 1) {
    const letter = String.fromCharCode(code);
    const fold = folded(letter);
    if (fold !== letter) found.set(fold, [...(found.get(fold) ?? []), letter]);
  }
  return found;
}
