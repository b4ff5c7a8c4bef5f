import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { closing, endMarker, lateFrame, messageFrames } from '../../src/files/frames.ts';
import { MailReader } from '../../src/files/mail-reader.ts';
import type { ReadEvent, ReadState } from '../../src/files/read-state.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import { messageData, scopedKey } from '../../src/words/message-data.ts';
import { dataOf, pieces } from '../support/mail-pieces.ts';
import { henry } from '../support/store-mail.ts';

const NOW = Date.UTC(2026, 10, 20);

interface Piece {
  readonly start: string;
  readonly bytes: Buffer;
}

interface Written {
  readonly bytes: Buffer;
  /** The bytes after those that end the unfinished text. */
  readonly framesAt: number;
  readonly before: ReadEvent[];
}

function readAll(bytes: Buffer, start: string): { events: ReadEvent[]; state: ReadState } {
  const reader = new MailReader(henry, start);
  return { events: reader.read(bytes), state: reader.state };
}

/** Writes like a writer: reads everything, ends what is unfinished, and appends `frames` for the state reached. */
function write({ start, bytes }: Piece, frames: (state: ReadState) => string): Written {
  const { state } = readAll(bytes, start);
  const end = closing(new MailReader(henry, state).tailOf(bytes.subarray(state.offset)));
  const ended = Buffer.concat([bytes, Buffer.from(end)]);
  const { events, state: place } = readAll(ended, start);
  const written = Buffer.concat([ended, Buffer.from(frames(place))]);
  return { bytes: written, framesAt: ended.length, before: events };
}

function open(piece: Piece): boolean {
  return readAll(piece.bytes, piece.start).state.end === undefined;
}

describe('frames after any text in a piece', () => {
  const message = fc.record({
    sender: fc.constantFrom(mailboxName('jjeong'), mailboxName('김영희'), mailboxName('__proto__')),
    receiver: fc.constantFrom(henry, mailboxName('mina')),
    message: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\ud800\u2028\u0000', '\r\n\n', '"}', '\\"}')),
    key: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', '\\', ',"key":"x', 'x"}')),
  });

  test('count, and give the messages unchanged', () => {
    const messages = fc.array(message, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(pieces.filter(open), messages, (piece, messages) => {
        const drafts = messages.map((message, i) => ({ id: `${NOW}-${i}`, data: messageData(message, NOW) }));

        const { bytes, before } = write(piece, (state) => messageFrames(state, drafts));

        const { events, state } = readAll(bytes, piece.start);
        const ours = events.slice(before.length);
        expect(events.slice(0, before.length)).toEqual(before);
        expect(ours.map(({ id, data }) => ({ id, data }))).toEqual(drafts);
        expect(ours.map(({ key }) => key)).toEqual(messages.map((message) => scopedKey(wellFormed(message))));
        expect(ours.map(({ sender }) => sender)).toEqual(messages.map(({ sender }) => sender));
        expect(state.own).toBe(drafts.at(-1)!.id);
      }),
      { numRuns: 1000 },
    );
  });

  test('that are cut at any byte never show a part, and the next one counts', () => {
    fc.assert(
      fc.property(pieces.filter(open), message, fc.nat(400), ({ start, bytes }, message, n) => {
        const data = messageData(message, NOW);
        const whole = write({ start, bytes }, (state) => messageFrames(state, [{ id: `${NOW}-0`, data }]));
        const cut = whole.framesAt + (n % (whole.bytes.length - whole.framesAt));
        const torn = { start, bytes: whole.bytes.subarray(0, cut) };

        const next = write(torn, (state) => messageFrames(state, [{ id: `${NOW}-1`, data: dataOf('next') }]));

        const { events } = readAll(next.bytes, start);
        const ours = events.filter(({ id }) => id.startsWith(`${NOW}`)).map(({ id, data }) => [id, data]);
        expect([1, 2]).toContain(ours.length);
        expect(ours).toEqual(
          [
            [`${NOW}-0`, data],
            [`${NOW}-1`, dataOf('next')],
          ].slice(-ours.length),
        );
        expect(events.slice(0, whole.before.length)).toEqual(whole.before);
        expect(events).toHaveLength(whole.before.length + ours.length);
      }),
      { numRuns: 1000 },
    );
  });

  test('end the piece if they are end markers', () => {
    fc.assert(
      fc.property(pieces.filter(open), ({ start, bytes }) => {
        const { bytes: ended, before } = write({ start, bytes }, (state) => endMarker(state, state.last, NOW));

        const { events, state } = readAll(ended, start);

        expect(events).toEqual(before);
        expect(state).toMatchObject({ end: state.last, endedAt: NOW, offset: ended.length });
      }),
      { numRuns: 1000 },
    );
  });
});

/** JSON cannot hold half a surrogate pair unescaped, and a decoder never makes one. */
function wellFormed({ sender, key }: { sender: string; key: string }): { sender: string; key: string } {
  return JSON.parse(JSON.stringify({ sender, key }));
}

describe('late mail that is written again', () => {
  const late = { piece: '1-0', from: 10, to: 20 };

  function again(block: Buffer): ReadEvent[] {
    return readAll(lateFrame({ own: '5-0' }, '6-0', late, block), '5-0').events;
  }

  test('says the same, whatever its bytes', () => {
    fc.assert(
      fc.property(pieces, ({ bytes }) => {
        const reader = new MailReader(henry, { ...new MailReader(henry, '9-0').state, form: 'late' });
        for (const { data, type, from, end } of reader.read(bytes)) {
          if (bytes.toString('utf8', from, end).startsWith(': after')) continue; // a copy, which the store writes again as text
          const [event] = again(bytes.subarray(from, end));
          expect(event).toMatchObject(type === undefined ? { id: '6-0', data, late } : { id: '6-0', data, type, late });
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('keeps bytes that are not UTF-8 as they are', () => {
    const block = Buffer.from('data: caf\xe9\n\n', 'latin1');

    expect(lateFrame({ own: '5-0' }, '6-0', late, block).includes(block.subarray(0, -1))).toBe(true);
  });

  test('cannot end early: only its data and type lines are repeated', () => {
    const block = Buffer.from('\ufeffdata: a\n: whole\nid: 9-0\r\nevent: x\rdata:b\n: after 6-0\n\n');

    expect(again(block)).toMatchObject([{ data: 'a\nb', type: 'x' }]);
  });
});
