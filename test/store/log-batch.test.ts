import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { encodeBatch, findBatch, type BatchHead, type LoggedBatch } from '../../src/files/log-batch.ts';

const range = fc.record({
  take: fc.stringMatching(/^[a-z0-9]{1,13}$/),
  from: fc.nat(),
  to: fc.nat(),
});
const head: fc.Arbitrary<BatchHead> = fc.record({
  ms: fc.nat(),
  last: fc.tuple(fc.nat(), fc.nat()).map(([ms, seq]) => `${ms}-${seq}`),
  ranges: fc.array(range, { maxLength: 4 }),
  end: fc.boolean(),
});
const body = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\n', ': ', '0', '1', ' end', '안') }),
  fc.constant(''),
);
const draft = fc.record({ head, body });
/** What a log really holds: no line of it begins like a batch's, and a blank line ends it. */
const frames = fc.oneof(
  fc.constant(''),
  fc
    .oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(':', ' ', '0') }))
    .map((text) => `\n\nid: 1-0\ndata: ${text.replaceAll(/[\r\n]/g, '')}\n\n`),
);
/** What may stand in a log without being a batch. */
const garbage = fc.oneof(
  fc.constant(''),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\n', ': ', '0', ' ', 'end') }),
  fc.constant('\n: 0 0 00000000 0 0-0\n'),
  fc.constant('\n: '),
);

describe('a batch in a log', () => {
  test('is found again as it was written', () => {
    fc.assert(
      fc.property(draft, fc.nat(10_000), ({ head, body }, base) => {
        const bytes = encodeBatch(base, head, body);

        const batch = findBatch(bytes, base, base)!;

        expect(batch).toMatchObject(head);
        expect(batch.start).toBe(base);
        expect(batch.next).toBe(base + bytes.length);
        expect(bytes.toString('utf8', batch.body - base)).toBe(Buffer.from(body).toString('utf8'));
      }),
    );
  });

  test('is found among garbage and torn batches, which are void', () => {
    const entry = fc.record({
      draft: fc.record({ head, body: frames }),
      before: garbage,
      tornTo: fc.option(fc.double({ min: 0, max: 0.999, noNaN: true })),
    });
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 6 }), (entries) => {
        let log = Buffer.alloc(0);
        const whole: BatchHead[] = [];
        let isTorn = false;
        for (const { draft, before, tornTo } of entries) {
          // Whoever writes behind torn bytes puts a colon first: a line feed might be the last byte that they lack.
          log = Buffer.concat([log, Buffer.from(isTorn ? ':' : `:${before}:`)]);
          isTorn = tornTo !== null;
          const batch = encodeBatch(log.length, draft.head, draft.body);
          if (tornTo === null) whole.push(draft.head);
          const written = tornTo === null ? batch.length : Math.floor(batch.length * tornTo);
          log = Buffer.concat([log, batch.subarray(0, written)]);
        }

        expect(allIn(log)).toMatchObject(whole);
      }),
      { numRuns: 500 },
    );
  });

  test('counts only where it says that it stands', () => {
    fc.assert(
      fc.property(draft, fc.nat(10_000), fc.integer({ min: 1, max: 500 }), ({ head, body }, base, shift) => {
        const bytes = encodeBatch(base, head, body);

        expect(findBatch(bytes, base + shift, base + shift)).toBeUndefined();
        expect(findBatch(Buffer.concat([Buffer.alloc(shift, 'x'), bytes]), base, base)).toBeUndefined();
      }),
    );
  });

  test('counts only when every byte of it is there, as it was', () => {
    const batch = encodeBatch(
      0,
      { ms: 1, last: '1-0', ranges: [{ take: 'abc', from: 0, to: 9 }], end: false },
      '\n\nid: 1-0\ndata: 안녕\n\n',
    );

    for (let at = 0; at < batch.length; at += 1) {
      expect(findBatch(batch.subarray(0, at), 0, 0)).toBeUndefined();
      const spoilt = Buffer.from(batch);
      spoilt[at]! ^= 1;
      expect(findBatch(spoilt, 0, 0)).toBeUndefined();
    }
  });

  test('written by two writers at once counts for the one that came first', () => {
    fc.assert(
      fc.property(draft, draft, fc.nat(1000), (mine, yours, offset) => {
        const first = encodeBatch(offset, mine.head, mine.body);
        const second = encodeBatch(offset, yours.head, yours.body);

        expect(allIn(Buffer.concat([first, second]), offset)).toMatchObject([mine.head]);
      }),
    );
  });

  test('is a comment line and its events: valid text/event-stream', () => {
    fc.assert(
      fc.property(head, (head) => {
        expect(encodeBatch(0, head, '\n\nid: 1-0\ndata: x\n\n').toString()).toMatch(
          /^\n: [^\r\n]*\n\n\nid: 1-0\ndata: x\n\n$/,
        );
      }),
    );
  });
});

function allIn(log: Buffer, base = 0): LoggedBatch[] {
  const found: LoggedBatch[] = [];
  for (let batch = findBatch(log, base, base); batch; batch = findBatch(log, base, batch.next)) found.push(batch);
  return found;
}
