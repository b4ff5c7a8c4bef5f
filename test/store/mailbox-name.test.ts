import { join, dirname, basename } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { MailboxPaths } from '../../src/files/mailbox-paths.ts';
import { mailboxName, personName } from '../../src/words/mailbox-name.ts';

const REFUSED = { code: 'INVALID_NAME' };
const NOT_A_FILE_NAME = String.raw`. .. ... .henry henry. ../henry /etc/passwd a/b a\b ..\henry C:\x a:b ~ ~root`.split(
  ' ',
);
const UNSEEN_OR_STRANGE = [
  ...'%2e%2e a%00 $HOME * a?b a;b <b> " \' ` | & 😀'.split(' '),
  '',
  ' ',
  'henry\0',
  'hen ry',
  ' henry',
  'henry\n',
  'a\rb',
  'a\tb',
  '\ud800',
  '\u200b',
  'a\u200db',
  '\u202ehenry',
  '\u2028',
  '\ufeffhenry',
  '\u0301',
];
/** Letters and marks to Unicode, but invisible to people. */
const WITHOUT_INK = [
  '\u3164',
  'henry\u3164',
  '\uffa0',
  '\u115f',
  'a\u1160',
  'henry\ufe0f',
  'henry\u034f',
  'henry\u180b',
  'henry\u17b4',
  'henry\u{e0100}',
  'henry\u2d7f',
  'henry\u{13441}',
  'henry\u{16fe4}',
];
const RESERVED = 'henry.txt HENRY.TXT a.lock con NUL com1 lpt9 aux.x com¹'.split(' ');
const TOO_LONG = ['x'.repeat(65), '한'.repeat(65), 'x'.repeat(300), 'x'.repeat(100_000)];
const nameLike = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('a', 'Z', '.', '-', '_', '/', '\\', '\0', ' ', 'é', 'e\u0301', '각', 'ß', 'İ', 'ﬁ', 'Σ'),
  }),
  fc.string({ unit: 'grapheme' }),
);

describe('any text', () => {
  test('that is accepted as a name stays in the directory', () => {
    fc.assert(
      fc.property(nameLike, (text) => {
        const name = nameOrNothing(text);
        if (name === undefined) return;

        const { file, taken, delivered, marks, lock } = new MailboxPaths('/data', name);

        for (const path of [file, taken, delivered, marks, lock]) {
          expect(path.startsWith('/data/')).toBe(true);
          expect(join(path)).toBe(path);
          expect(basename(path)).toContain(name);
          expect([
            '/data',
            '/data/.taken',
            '/data/.delivered',
            '/data/.marks',
            '/data/.torn',
            '/data/.locks',
          ]).toContain(dirname(path));
        }
        expect(name).not.toMatch(/[/\\\p{Cc}\s]|^\.|\.$/u);
        expect(Buffer.byteLength(`${name}.json.4194304`)).toBeLessThanOrEqual(255);
      }),
      { numRuns: 2000 },
    );
  });

  test('that is accepted as a name becomes one in canonical form', () => {
    fc.assert(
      fc.property(nameLike, (text) => {
        const name = nameOrNothing(text);
        if (name === undefined) return;

        expect(mailboxName(name)).toBe(name);
      }),
      { numRuns: 2000 },
    );
  });

  test('gives the same name composed, decomposed, in capitals and in lower case', () => {
    fc.assert(
      fc.property(nameLike, (text) => {
        const name = nameOrNothing(text);
        if (name === undefined) return;

        expect(nameOrNothing(text.normalize('NFD'))).toBe(name);
        expect(nameOrNothing(text.normalize('NFC'))).toBe(name);
        expect(nameOrNothing(text.toLowerCase())).toBe(name);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a name', () => {
  test.each([
    'henry',
    'j',
    '0',
    '-',
    '_',
    '김영희',
    'ñandú',
    'a.b',
    'a-b_c.d',
    '佐藤',
    'नमस्ते',
    'x'.repeat(64),
    '한'.repeat(64),
  ])('may be %s', (text) => {
    expect(mailboxName(text)).toBe(text.normalize('NFC'));
  });

  test.each([
    ['HENRY', 'henry'],
    ['Kim.Young-Hee', 'kim.young-hee'],
    ['ÉCOLE', 'école'],
    ['e\u0301cole', 'école'],
    ['E\u0301cole', 'école'],
    ['\u1100\u1161\u11a8', '각'],
    ['\u212a', 'k'], // the Kelvin sign
    ['\u212b', 'å'], // the Ångström sign
    ['j\u0307jeong', 'jjeong'], // a dot on the dot
    ['\u0130stanbul', 'istanbul'],
  ])('%j is %j', (text, name) => {
    expect(mailboxName(text)).toBe(name);
  });

  test.each([...NOT_A_FILE_NAME, ...UNSEEN_OR_STRANGE, ...WITHOUT_INK, ...RESERVED, ...TOO_LONG])(
    'may not be %j',
    (text) => {
      expect(() => mailboxName(text)).toThrow(expect.objectContaining(REFUSED));
    },
  );

  test.each([undefined, null, 7, true, ['henry'], { toString: () => 'henry' }, Symbol('henry')])(
    'is text: %p is refused',
    (input) => {
      expect(() => mailboxName(input)).toThrow(expect.objectContaining(REFUSED));
    },
  );

  test('of a room cannot be a person’s', () => {
    expect(mailboxName('room.lobby')).toBe('room.lobby');
    expect(() => personName('room.lobby')).toThrow(expect.objectContaining(REFUSED));
    expect(() => personName('ROOM.lobby')).toThrow(expect.objectContaining(REFUSED));
    expect(personName('room')).toBe('room');
    expect(personName('roommate')).toBe('roommate');
  });
});

function nameOrNothing(text: string): ReturnType<typeof mailboxName> | undefined {
  try {
    return mailboxName(text);
  } catch {
    return undefined;
  }
}
