import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  FIRST_ID,
  compareIds,
  idTime,
  isEventId,
  isOwnId,
  laterId,
  nextForeignId,
  nextOwnId,
} from '../../src/files/event-id.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const time = fc.integer({ min: 0, max: 10 ** 14 });
const count = fc.integer({ min: 0, max: 10 ** 9 });
const ownId = fc.tuple(time, count).map(([ms, seq]) => `${ms}-${seq}`);
const foreignId = fc.tuple(ownId, fc.integer({ min: 1, max: 10 ** 9 })).map(([id, n]) => `${id}.${n}`);
const id = fc.oneof(ownId, foreignId, fc.constant(FIRST_ID));
/** Few different numbers, so that ids often agree in part. */
const closeId = fc
  .tuple(fc.nat(2), fc.nat(2), fc.nat(2))
  .map(([ms, seq, n]) => (n ? `${ms}-${seq}.${n}` : `${ms}-${seq}`));
const anyId = fc.oneof(id, closeId);

describe('the order of ids', () => {
  test('is total: any two ids are one, or one comes before the other', () => {
    fc.assert(
      fc.property(anyId, anyId, (a, b) => {
        expect(compareIds(a, b) === 0).toBe(a === b);
        expect(Math.sign(compareIds(a, b)) + Math.sign(compareIds(b, a))).toBe(0);
      }),
    );
  });

  test('is the same whichever way one gets there', () => {
    fc.assert(
      fc.property(anyId, anyId, anyId, (a, b, c) => {
        const [first, second, third] = [a, b, c].toSorted(compareIds);

        expect(compareIds(first!, second!)).toBeLessThanOrEqual(0);
        expect(compareIds(second!, third!)).toBeLessThanOrEqual(0);
        expect(compareIds(first!, third!)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test('is that of numbers, not of letters', () => {
    const ids = [FIRST_ID, '0-0.1', '0-1', '9-9', '9-9.9', '9-9.10', '9-10', '10-0', '1763600000000-0'];

    expect(ids.toReversed().toSorted(compareIds)).toEqual(ids);
  });

  test('begins before every event', () => {
    fc.assert(fc.property(anyId, (id) => compareIds(FIRST_ID, id) <= 0));
  });

  test('makes the later of two the one that comes after', () => {
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
  test('rises under any clock, with foreign mail between', () => {
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

  test('of ours tells the time of the clock, unless the clock went back', () => {
    fc.assert(
      fc.property(id, time, (last, now) => {
        expect(idTime(nextOwnId(last, now))).toBe(Math.max(now, idTime(last)));
        expect(isOwnId(nextOwnId(last, now), Math.max(now, idTime(last)))).toBe(true);
      }),
    );
  });

  test('of foreign mail is never one of ours, and comes before any of ours', () => {
    fc.assert(
      fc.property(id, time, (last, now) => {
        expect(isOwnId(nextForeignId(last), Number.MAX_SAFE_INTEGER)).toBe(false);
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
    expect(isOwnId(text, Number.MAX_SAFE_INTEGER)).toBe(false);
  });

  test('is ASCII only, so that it survives a header', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !isEventId(text) || /^[\d.-]+$/.test(text)));
    fc.assert(fc.property(id, (text) => isEventId(text) && /^[\u0021-\u007e]+$/.test(text)));
  });

  test('of ours is not believed when it is more than a day ahead of the clock', () => {
    const now = Date.UTC(2026, 10, 20);

    expect(isOwnId(`${now + DAY_MS}-0`, now)).toBe(true);
    expect(isOwnId(`${now + DAY_MS + 1}-0`, now)).toBe(false);
    expect(isOwnId(`${now}-0.1`, now)).toBe(false);
  });
});
