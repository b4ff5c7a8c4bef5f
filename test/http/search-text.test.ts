import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { SearchText } from '../../src/http/search-text.ts';

const PIECES = [
  'a',
  'B',
  'é',
  'E\u0301',
  '안',
  '\u1112\u1161\u11ab',
  'ß',
  'Σ',
  'ς',
  'i',
  'ı',
  'k',
  '\u212a',
  '😀',
  '0',
  '.',
  '"',
  '\\',
  '/',
  '(',
  ' ',
];
const text = fc.array(fc.constantFrom(...PIECES), { minLength: 3, maxLength: 12 }).map((pieces) => pieces.join(''));

/** As PHP does: it also escapes slashes, and all that is not ASCII. */
function escaped(message: string): string {
  const ascii = (unit: string): string => String.raw`\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify({ message })
    .replaceAll('/', String.raw`\/`)
    .replaceAll(/[^\0-\x7f]/g, ascii);
}

test('a text is found in a message that has it, and in the bytes of the log, in whatever way they are written', () => {
  fc.assert(
    fc.property(text, fc.nat(8), fc.boolean(), (message, from, isUpper) => {
      const part = Array.from(message.normalize('NFC')).slice(from).join('').trim();
      fc.pre(Array.from(part).length >= 2 && !/^\p{M}/u.test(part));
      const search = new SearchText(isUpper ? part.toUpperCase() : part);

      expect(search.isIn(message)).toBe(true);
      for (const data of [JSON.stringify({ message }), escaped(message), `data: ${message}`]) {
        expect(search.mayBeIn(Buffer.from(data))).toBe(true);
        expect(search.mayBeInData(data)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

test('a text that lies across two parts of the bytes is found', () => {
  const search = new SearchText('needle');

  for (const before of [65_530, 65_533, 65_536, 131_070]) {
    expect(search.mayBeIn(Buffer.from(`${'x'.repeat(before)}needle`))).toBe(true);
  }
  expect(search.mayBeIn(Buffer.alloc(200_000, 'x'))).toBe(false);
});

test('a text that repeats itself is searched for as fast as any other', () => {
  const texts = ['\\'.repeat(200), `${'ä'.repeat(199)}b`, `${'a '.repeat(99)}b`];
  const message = `${'\\'.repeat(150)} ${'ä'.repeat(60_000)} ${'a '.repeat(100_000)}`;

  for (const each of texts) {
    const search = new SearchText(each);

    expect(search.isIn(message)).toBe(false);
    expect(typeof search.mayBeIn(Buffer.from(JSON.stringify({ message })))).toBe('boolean');
  }
});
