import * as fc from 'fast-check';
import { endMarker, lateFrame, messageFrames } from '../../src/files/frames.ts';
import { MailReader } from '../../src/files/mail-reader.ts';
import { beginning, type ReadState } from '../../src/files/read-state.ts';
import { henry } from './store-mail.ts';

/** The data of a message in our form. It does not come from `messageData`, so that it can be damaged. */
export function dataOf(message: string, receiver = 'henry', key = `key of ${message}`): string {
  return JSON.stringify({ sender: 'jjeong', receiver, message, time: '2026-11-20T01:02:03.000Z', key });
}

/** Makes the next part of a piece, given the state after what comes before it. */
type Step = (state: ReadState) => Buffer;

const id = fc.tuple(fc.nat(6), fc.nat(2)).map(([ms, seq]) => `${ms}-${seq}`);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('hi', '안녕', 'a\n\ndata: forged', '\\"}', '"}'),
);
const data = fc
  .tuple(text, fc.constantFrom('henry', 'henry', 'mina'))
  .map(([message, receiver]) => dataOf(message, receiver));
const type = fc.constantFrom(undefined, undefined, 'edit', 'open');
const junk = fc.constantFrom(
  '\r',
  '\n',
  '\n\n',
  '\r\n',
  '\r\r',
  'data: a\n',
  'data:b\r\n',
  'data\r',
  'event: e\n',
  'event: open\n',
  'id: 1-0\n',
  'retry: 0\n',
  ':\n',
  ': torn\n',
  ': whole\n',
  ': after 1-0\n',
  ': end 9-9\n',
  ': parts a\n',
  '\ufeff',
  '\0',
  '한',
  'x',
  ' ',
);
const bytes = fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array));
const late = { piece: '0-0', from: 1, to: 9 };

function next({ last }: ReadState, by: number): string {
  return `${Number(last.split('-')[0]) + by}-0`;
}

const rightFrame = fc.record({
  by: fc.integer({ min: 1, max: 3 }),
  texts: fc.array(fc.tuple(data, type), { minLength: 1, maxLength: 3 }),
});
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: rightFrame.map(
      ({ by, texts }): Step =>
        (state) =>
          Buffer.from(
            messageFrames(
              state,
              texts.map(([data, type], i) => ({ id: next(state, by + i), data, type })),
            ),
          ),
    ),
  },
  {
    weight: 2,
    arbitrary: bytes.map(
      (block): Step =>
        (state) =>
          lateFrame(state, next(state, 1), late, block),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.array(junk, { maxLength: 4 }).map(
      (parts): Step =>
        () =>
          Buffer.from(parts.join('')),
    ),
  },
  {
    weight: 1,
    arbitrary: bytes.map(
      (array): Step =>
        () =>
          array,
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(id, id, data, type).map(
      ([own, id, data, type]): Step =>
        () =>
          Buffer.from(messageFrames({ own }, [{ id, data, type }])),
    ),
  },
  // The last frame again, what follows it, and a frame cut off.
  {
    weight: 1,
    arbitrary: data.map(
      (data): Step =>
        ({ own }) =>
          Buffer.from(
            messageFrames({ own: '0-0' }, [
              { id: own, data },
              { id: '6-5', data },
            ]),
          ),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(data, type, fc.nat(150)).map(
      ([data, type, cut]): Step =>
        (state) =>
          Buffer.from(messageFrames(state, [{ id: next(state, 1), data, type }])).subarray(0, cut),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(id, id).map(
      ([own, id]): Step =>
        () =>
          Buffer.from(endMarker({ own }, id)),
    ),
  },
);
const ends: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>(() => Buffer.alloc(0)),
  fc.constant<Step>((state) => Buffer.from(endMarker(state, state.last, 77))),
  fc.constant<Step>((state) => Buffer.from(`${endMarker(state, next(state, 1))}data: late\n\n`)),
);

/**
 * The bytes of a piece of henry's log that begins after `start`: whole frames and everything that may be between them.
 */
export const pieces = fc
  .record({ start: fc.constantFrom('0-0', '2-0', '2-1.3'), steps: fc.array(steps, { maxLength: 12 }), end: ends })
  .map(({ start, steps, end }) => {
    let bytes: Buffer = Buffer.alloc(0);
    for (const step of [...steps, end]) {
      const reader = new MailReader(henry, beginning(start));
      reader.read(bytes);
      bytes = Buffer.concat([bytes, step(reader.state)]);
    }
    return { start, bytes };
  });
