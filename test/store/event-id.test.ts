import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  FIRST_ID,
  compareIds,
  idTime,
  isInReach,
  isEventId,
  isOwnId,
  laterId,
  nextForeignId,
  nextOwnId,
  ownPart,
} from '../../src/files/event-id.ts';

/** The year 2286. Until then, ids follow the clock. */
const FAR_MS = 10 ** 13;
const time = fc.integer({ min: 0, max: FAR_MS });
const count = fc.integer({ min: 0, max: 999_998 });
const ownId = fc.tuple(time, count).map(([ms, seq]) => `${ms}-${seq}`);
const foreignId = fc.tuple(ownId, fc.integer({ min: 1, max: 10 ** 9 })).map(([id, n]) => `${id}.${n}`);
const id = fc.oneof(ownId, foreignId, fc.constant(FIRST_ID));
/** Few different numbers, so that ids often have equal parts. */
const closeId = fc
  .tuple(fc.nat(2), fc.nat(2), fc.nat(2))
  .map(([ms, seq, n]) => (n ? `${ms}-${seq}.${n}` : `${ms}-${seq}`));
const anyId = fc.oneof(id, closeId);

describe('the order of ids', () => {
  test('is total: two ids are the same, or one comes before the other', () => {
    fc.assert(
      fc.property(anyId, anyId, (a, b) => {
        expect(compareIds(a, b) === 0).toBe(a === b);
        expect(Math.sign(compareIds(a, b)) + Math.sign(compareIds(b, a))).toBe(0);
      }),
    );
  });

  test('is transitive', () => {
    fc.assert(
      fc.property(anyId, anyId, anyId, (a, b, c) => {
        const [first, second, third] = [a, b, c].toSorted(compareIds);

        expect(compareIds(first!, second!)).toBeLessThanOrEqual(0);
        expect(compareIds(second!, third!)).toBeLessThanOrEqual(0);
        expect(compareIds(first!, third!)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test('compares numbers, not letters', () => {
    const ids = [FIRST_ID, '0-0.1', '0-1', '9-9', '9-9.9', '9-9.10', '9-10', '10-0', '1763600000000-0'];

    expect(ids.toReversed().toSorted(compareIds)).toEqual(ids);
  });

  test('begins before every event', () => {
    fc.assert(fc.property(anyId, (id) => compareIds(FIRST_ID, id) <= 0));
  });

  test('says which of two ids is later', () => {
    fc.assert(
      fc.property(anyId, anyId, (a, b) => {
        expect(laterId(a, b)).toBe(laterId(b, a));
        expect([a, b]).toContain(laterId(a, b));
        expect(compareIds(laterId(a, b), a)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('the next id', () => {
  test('rises whatever the clock does, with foreign mail in between', () => {
    const step = fc.record({ now: time, isForeign: fc.boolean() });
    fc.assert(
      fc.property(id, fc.array(step, { minLength: 1, maxLength: 30 }), (first, steps) => {
        let last = first;
        for (const { now, isForeign } of steps) {
          const next = isForeign ? nextForeignId(last) : nextOwnId(last, now);

          expect(isEventId(next)).toBe(true);
          expect(compareIds(next, last)).toBeGreaterThan(0);
          last = next;
        }
      }),
    );
  });

  test('of ours has the time of the clock, unless the clock was set back', () => {
    fc.assert(
      fc.property(id, time, (last, now) => {
        expect(idTime(nextOwnId(last, now))).toBe(Math.max(now, idTime(last)));
        expect(isOwnId(nextOwnId(last, now))).toBe(true);
      }),
    );
  });

  test('of ours is also above ids of other mailboxes', () => {
    fc.assert(
      fc.property(id, id, time, (last, above, now) => {
        const next = nextOwnId(last, now, above);

        expect(compareIds(next, last)).toBeGreaterThan(0);
        if (idTime(above) < FAR_MS) expect(compareIds(next, above)).toBeGreaterThan(0);
        expect(isInReach(idTime(next), idTime(last))).toBe(true);
      }),
    );
  });

  test('of ours moves to the next millisecond after a million in one', () => {
    expect(nextOwnId('5-999998', 0)).toBe('5-999999');
    expect(nextOwnId('5-999999', 0)).toBe('6-0');
    expect(nextOwnId('5-9999999999', 0)).toBe('6-0');
    expect(nextOwnId('5-0', 0, '5-999999.7')).toBe('6-0');
  });

  test('of ours does not follow an id of another mailbox that was forged far ahead', () => {
    const forged = `${'9'.repeat(15)}-0`;

    expect(nextOwnId('1-0', 5, forged)).toBe('5-0');
    expect(isInReach(idTime(forged), 1)).toBe(false);
    expect(nextOwnId(`${FAR_MS}-999999`, 5)).toBe(`${FAR_MS + 1}-0`);
    expect(isInReach(FAR_MS + 1, FAR_MS)).toBe(true);
  });

  test('of foreign mail is never an own id, and comes before the next own id', () => {
    fc.assert(
      fc.property(id, time, (last, now) => {
        expect(isOwnId(nextForeignId(last))).toBe(false);
        expect(compareIds(nextForeignId(last), nextOwnId(last, now))).toBeLessThan(0);
      }),
    );
  });
});

describe('an id', () => {
  test.each([
    ...'0 - 0- -0 01-0 0-01 0-0.0 0-0.01 0-0. 0-0.1.1 +1-0 1e3-0 １-0 0x1-0 -1-0 1--1'.split(' '),
    '',
    '1-0\n',
    ' 1-0',
    '1-0 ',
    '1-0\r',
    '1\u00000-0',
    `${'9'.repeat(16)}-0`,
    `1-${'9'.repeat(11)}`,
  ])('is not %j', (text) => {
    expect(isEventId(text)).toBe(false);
    expect(isOwnId(text)).toBe(false);
  });

  test('of foreign mail begins with an id of ours', () => {
    fc.assert(
      fc.property(ownId, fc.integer({ min: 1, max: 10 ** 15 - 1 }), (own, n) => {
        expect(ownPart(`${own}.${n}`)).toBe(own);
        expect(ownPart(own)).toBe(own);
        expect(isOwnId(own)).toBe(true);
      }),
    );
  });

  test('is ASCII only, so that it passes through a header', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !isEventId(text) || /^[\d.-]+$/.test(text)));
    fc.assert(fc.property(id, (text) => isEventId(text) && /^[\u0021-\u007e]+$/.test(text)));
  });
});
