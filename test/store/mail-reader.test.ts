import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { compareIds } from '../../src/files/event-id.ts';
import { endMarker, lateFrame, mergedFrame, mergedHead, messageFrames } from '../../src/files/frames.ts';
import { MailReader } from '../../src/files/mail-reader.ts';
import {
  MAX_BLOCK_BYTES,
  MAX_EVENT_BYTES,
  beginning,
  behindEnd,
  type ReadEvent,
  type ReadState,
} from '../../src/files/read-state.ts';
import { dataOf, pieces } from '../support/mail-pieces.ts';
import { readByTheBook } from '../support/read-by-the-book.ts';
import { henry } from '../support/store-mail.ts';

const RUNS = { numRuns: 2000 };

function readAll(bytes: Buffer, from: string | ReadState): { events: ReadEvent[]; state: ReadState } {
  const reader = new MailReader(henry, from);
  const events = reader.read(bytes.subarray(reader.state.offset));
  return { events, state: reader.state };
}

/** Reads like a reader of a file that grows to each of `cuts`. */
function readInParts(
  bytes: Buffer,
  start: string,
  cuts: readonly number[],
  most?: number,
): { events: ReadEvent[]; states: ReadState[] } {
  const reader = new MailReader(henry, start);
  const events: ReadEvent[] = [];
  const states: ReadState[] = [reader.state];
  for (const cut of [...cuts.map((n) => n % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)) {
    for (;;) {
      const { offset } = reader.state;
      events.push(...reader.read(bytes.subarray(offset, Math.max(offset, cut)), most));
      states.push(reader.state);
      if (reader.state.offset === offset) break;
    }
  }
  return { events, states };
}

const cuts = fc.array(fc.nat(4000), { maxLength: 12 });

describe('what a piece says', () => {
  test('agrees with a second reader that follows the rule word by word', () => {
    fc.assert(
      fc.property(pieces, ({ start, bytes }) => {
        const { events, state } = readAll(bytes, start);

        const said = events.map(({ id, data, type }) => (type === undefined ? { id, data } : { id, data, type }));
        const { own, last, end } = state;
        expect({ events: said, own, last, end }).toEqual(readByTheBook(bytes, start, henry));
      }),
      RUNS,
    );
  });

  test('does not depend on how the bytes are cut into chunks', () => {
    fc.assert(
      fc.property(pieces, cuts, ({ start, bytes }, cuts) => {
        const whole = readAll(bytes, start);
        const { events, states } = readInParts(bytes, start, cuts);

        expect(events).toEqual(whole.events);
        expect(states.at(-1)).toEqual(whole.state);
      }),
      RUNS,
    );
  });

  test('is the same if it is cut at every byte', () => {
    fc.assert(
      fc.property(pieces, ({ start, bytes }) => {
        const everywhere = Array.from(bytes, (_, i) => i);

        expect(readInParts(bytes, start, everywhere).events).toEqual(readAll(bytes, start).events);
      }),
      { numRuns: 100 },
    );
  });

  test('is the same from any state where a reader stopped', () => {
    fc.assert(
      fc.property(pieces, cuts, fc.integer({ min: 1, max: 3 }), ({ start, bytes }, cuts, most) => {
        const whole = readAll(bytes, start);
        const { events, states } = readInParts(bytes, start, cuts, most);

        expect(events).toEqual(whole.events);
        for (const state of states) {
          const rest = readAll(bytes, structuredClone(state));
          expect(rest.events).toEqual(whole.events.slice(state.count));
          expect(rest.state).toEqual(whole.state);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('leads to the same state if texts are skipped', () => {
    fc.assert(
      fc.property(pieces, cuts, ({ start, bytes }, cuts) => {
        const { events, states } = readInParts(bytes, start, cuts, 0);

        expect(events).toEqual([]);
        expect(states.at(-1)).toEqual(readAll(bytes, start).state);
      }),
      RUNS,
    );
  });

  test('has rising ids and correct offsets', () => {
    fc.assert(
      fc.property(pieces, ({ start, bytes }) => {
        const { events, state } = readAll(bytes, start);
        const ids = [start, ...events.map(({ id }) => id)];
        const bounds = events.flatMap(({ from, end }) => [from, end]);

        expect(ids.toSorted(compareIds)).toEqual([...new Set(ids)]);
        expect(bounds.toSorted((a, b) => a - b)).toEqual(bounds);
        if (state.end !== undefined) expect(compareIds(state.end, ids.at(-1)!)).toBeGreaterThanOrEqual(0);
      }),
      RUNS,
    );
  });
});

describe('merged pieces', () => {
  test('give the same events, however they are merged', () => {
    const groups = fc.array(fc.nat(3), { maxLength: 8 });
    fc.assert(
      fc.property(pieces, groups, cuts, ({ start, bytes }, sizes, cuts) => {
        const events = readAll(bytes, start).events.map((event) => ({ ...event, time: event.time ?? 77 }));
        const merged: ReadEvent[] = [];
        let from: string = start;
        for (let i = 0; i < events.length || sizes.length > 0;) {
          const part = events.slice(i, i + (sizes.pop() ?? events.length));
          const text = Buffer.from(mergedHead(['a', 'b']) + part.map(asMerged).join(''));
          merged.push(...readMerged(text, from, cuts));
          from = part.at(-1)?.id ?? from;
          i += part.length;
        }

        expect(merged.map(withoutPlace)).toEqual(events.map(withoutPlace));
      }),
      RUNS,
    );
  });

  test('do not show an event whose id is not higher than the one before', () => {
    const text =
      mergedHead(['a']) +
      ['2-0', '2-0', '1-0', '2-0.1', '3-0'].map((id) => mergedFrame({ id, data: 'x', at: 1 })).join('');

    expect(readMerged(Buffer.from(text), '1-0', []).map(({ id }) => id)).toEqual(['2-0', '2-0.1', '3-0']);
  });
});

function asMerged({ id, data, type, time, sender }: ReadEvent): string {
  return mergedFrame({ id, data, ...(type !== undefined && { type }), ...(sender === undefined && { at: time! }) });
}

function readMerged(bytes: Buffer, start: string, cuts: readonly number[]): ReadEvent[] {
  const reader = new MailReader(henry, beginning(start, 'merged'));
  const events: ReadEvent[] = [];
  for (const cut of [...cuts.map((n) => n % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)) {
    const { offset } = reader.state;
    events.push(...reader.read(bytes.subarray(offset, Math.max(offset, cut))));
  }
  return events;
}

function withoutPlace({ from: _from, end: _end, late: _late, ...event }: ReadEvent): Partial<ReadEvent> {
  return event;
}

/** A valid frame, of which each test changes one thing. */
function fenced(after: string, lines: string): string {
  return `\n\n: after ${after}\n${lines}\n\n`;
}

const HI = dataOf('hi');

describe('one block of a piece that begins after 5-0, in which 6-0 was read', () => {
  const read = fenced('5-0', `id: 6-0\ndata: ${HI}`);
  const ours = { time: 7, sender: 'jjeong' };
  const late = `: late 3-0.2 8-20\nid: 7-0\nevent: alert\ndata: a\ndata:b`;

  function readAfter(block: string | Buffer): { events: Partial<ReadEvent>[]; state: ReadState } {
    const { events, state } = readAll(Buffer.concat([Buffer.from(read), Buffer.from(block)]), '5-0');
    return { events: events.slice(1).map(({ from: _from, end: _end, ...event }) => event), state };
  }

  test.each([
    ['a message', fenced('6-0', `id: 7-0\ndata: ${HI}`), { id: '7-0', data: HI, key: 'jjeong\nkey of hi', ...ours }],
    [
      '… with CRLF',
      `: after 6-0\r\nid: 7-0\r\ndata: ${HI}\r\n\r\n`,
      { id: '7-0', data: HI, key: 'jjeong\nkey of hi', ...ours },
    ],
    [
      'late mail',
      fenced('6-0', `${late}\n: whole`),
      { id: '7-0', data: 'a\nb', type: 'alert', time: 7, late: { piece: '3-0.2', from: 8, to: 20 } },
    ],
  ])('%s counts', (_, block, event) => {
    expect(readAfter(block).events).toEqual([event]);
    expect(readAfter(block).state).toMatchObject({ own: '7-0', last: '7-0', count: 2 });
  });

  test.each([
    ['the last id', '6-0', undefined, 6],
    ['the next id', '7-0', undefined, 7],
    ['an id and a time', '6-0.2', 99, 99],
  ])('an end marker with %s ends the piece', (_, id, at, endedAt) => {
    const block = `${endMarker({ own: '6-0' }, id, at)}data: late\n\n`;

    expect(readAfter(block)).toMatchObject({ events: [], state: { end: id, endedAt, own: '6-0', last: '6-0' } });
  });

  test.each([
    ['no fence', `id: 7-0\ndata: ${HI}\n\n`, HI],
    ['a fence that is no own id', fenced('6-0.1', `id: 7-0\ndata: ${HI}`), HI],
    ['a fence with a leading zero', fenced('06-0', `id: 7-0\ndata: ${HI}`), HI],
    ['a fence below the line', `id: 7-0\n: after 6-0\ndata: ${HI}\n\n`, HI],
    ['a byte order mark before the fence', `\ufeff: after 6-0\nid: 7-0\ndata: ${HI}\n\n`, HI],
    ['a fence from before the piece', fenced('4-9', `id: 7-0\ndata: ${HI}`), HI],
    ['another receiver and an old fence', fenced('5-0', `id: 7-0\ndata: ${dataOf('x', 'mina')}`), dataOf('x', 'mina')],
  ])('with %s is foreign text', (_, block, data) => {
    expect(readAfter(block).events).toEqual([{ id: '6-0.1', data }]);
  });

  test.each([
    ['closed as torn', `data: hi\n: torn\n\n`],
    ['a message closed as torn', fenced('6-0', `id: 7-0\ndata: ${HI}\n: torn`)],
    ['a fence alone', fenced('6-0', '')],
    ['a fence and half an id', fenced('6-0', 'id: 7-')],
    ['a fence and no data', fenced('6-0', 'id: 7-0')],
    ['a fence and a foreign id', fenced('6-0', `id: 7-0.1\ndata: ${HI}`)],
    ['a fence and foreign text', fenced('6-0', 'data: hi')],
    ['a line too many', fenced('6-0', `id: 7-0\ndata: ${HI}\ndata: x`)],
    ['data with a line end', fenced('6-0', `id: 7-0\ndata: ${HI.replace('hi', 'h\ri')}`)],
    ['torn data', fenced('6-0', 'id: 7-0\ndata: {"sender":"jjeong","receiver":"henry","mess')],
    [
      'data torn after an escaped quote',
      fenced('6-0', 'id: 7-0\ndata: {"sender":"jjeong","receiver":"henry","message":"\\"}'),
    ],
    ['data that is no message', fenced('6-0', 'id: 7-0\ndata: {"sender":"jjeong"}')],
    ['data in another order', fenced('6-0', 'id: 7-0\ndata: {"key":"k","receiver":"henry","sender":"mina"}')],
    ['data that is null', fenced('6-0', 'id: 7-0\ndata: null')],
    ['half a late frame', fenced('6-0', late)],
    ['a late frame without data', fenced('6-0', ': late 3-0 8-20\nid: 7-0\nevent: x\n: whole')],
    ['an end marker with more lines', fenced('6-0', ': end 7-0\ndata: x')],
  ])('%s is void', (_, block) => {
    expect(readAfter(block)).toMatchObject({ events: [], state: { own: '6-0', last: '6-0' } });
    expect(readAfter(block).state).not.toHaveProperty('voided');
    expect(readAfter(block).state).not.toHaveProperty('end');
  });

  test.each([
    ['a message behind an old fence', fenced('5-0', `id: 7-0\ndata: ${HI}`)],
    ['a message behind a fence to come', fenced('8-0', `id: 7-0\ndata: ${HI}`)],
    ['late mail behind an old fence', fenced('5-0', `${late}\n: whole`)],
    ['late mail from before the piece', fenced('1-0', `${late}\n: whole`)],
    ['an old end marker', fenced('5-0', ': end 7-0')],
  ])('%s is void, and so is the frame that follows it', (_, block) => {
    expect(readAfter(block)).toMatchObject({ events: [], state: { voided: '7-0' } });
    expect(readAfter(block + fenced('7-0', `id: 8-0\ndata: ${HI}`))).toMatchObject({
      events: [],
      state: { voided: '8-0' },
    });
  });

  test('a repeated frame is void the second time, and so is the frame that follows it there', () => {
    const again = read + fenced('6-0', `id: 7-0\ndata: ${HI}`);

    expect(readAfter(again)).toMatchObject({ events: [], state: { own: '6-0', voided: '7-0' } });
  });

  test('our next frame counts after a repeated one', () => {
    const { state } = readAfter(read);

    expect(state).toMatchObject({ own: '6-0', voided: '6-0' });
    expect(readAfter(read + messageFrames(state, [{ id: '7-0', data: HI }])).events).toMatchObject([{ id: '7-0' }]);
    expect(readAfter(read + endMarker(state, '7-0')).state).toMatchObject({ end: '7-0' });
  });

  test.each(['6-0', '5-9', '10000000000001-0'])('a message with the id %s is void', (id) => {
    expect(readAfter(fenced('6-0', `id: ${id}\ndata: ${HI}`))).toMatchObject({ events: [], state: { last: '6-0' } });
  });

  test('an id must be higher than those of foreign text before it', () => {
    const block = `data: a\n\n${fenced('6-0', `id: 6-1\ndata: ${HI}`)}data: b\n\n`;

    expect(readAfter(block).events.map(({ id }) => id)).toEqual(['6-0.1', '6-1', '6-1.1']);
  });

  test.each([
    ['CR', 'data: a\revent: e\r\rdata: b\r\r'],
    ['LF', 'data: a\nevent: e\n\ndata: b\n\n'],
    ['CRLF', 'data: a\r\nevent: e\r\n\r\ndata: b\r\n\r\n'],
    ['a mix', 'data: a\revent: e\n\r\ndata: b\r\n\r'],
  ])('foreign text may have %s', (_, block) => {
    expect(readAfter(block).events).toEqual([
      { id: '6-0.1', data: 'a', type: 'e' },
      { id: '6-0.2', data: 'b' },
    ]);
  });

  test.each([
    ['\ufeffdata: a', 'a'],
    ['\0data: a\n\0\0data: b', 'a\nb'],
    ['\ufeff\ufeff: x\ndata: a', 'a'],
    ['data: \ufeffa\0', '\ufeffa\0'],
    ['retry: 0\nid: 9-9\ndata: a', 'a'],
    ['event: message\ndata: a', 'a'],
    ['data:  a\ndata\ndata:b', ' a\n\nb'],
  ])('foreign text %j says %j', (block, data) => {
    expect(readAfter(`${block}\n\n`).events).toEqual([{ id: '6-0.1', data }]);
  });

  test.each(['retry: 0', 'id: 7-0', ': after x', 'event: e', 'datas: a', '\ufeff', 'x\0data: a', '\0\0'])(
    '%j says nothing',
    (block) => {
      expect(readAfter(`${block}\n\n`)).toMatchObject({ events: [], state: { last: '6-0', count: 1 } });
    },
  );

  test('text that is not UTF-8 is shown with U+FFFD', () => {
    expect(readAfter(Buffer.from('data: \xff\xe9\n\n', 'latin1')).events).toEqual([
      { id: '6-0.1', data: '\ufffd\ufffd' },
    ]);
  });

  test('a frame of ours is found after UTF-16 text, which leaves half a character before it', () => {
    const bytes = Buffer.concat([Buffer.from('\ufeffdata: hi\n', 'utf16le'), Buffer.from('data: good\n\n')]);

    expect(readAfter(bytes).events).toEqual([{ id: '6-0.1', data: 'good' }]);
  });

  test('UTF-16 text is not shown, since it has no blank lines', () => {
    const { events, state } = readAfter(Buffer.from('data: hi\n\ndata: ho\n\n', 'utf16le'));

    expect(events).toEqual([]);
    expect(state).toMatchObject({ count: 1, offset: read.length });
  });
});

describe('a line too long to be an event', () => {
  const next = 'data: next\n\n';

  /** Reads like a reader of a file: so much at a time, and more only if it contained no complete event. */
  function readInChunks(bytes: Buffer): { events: ReadEvent[]; state: ReadState; most: number } {
    const reader = new MailReader(henry, '5-0');
    const events: ReadEvent[] = [];
    let chunk = 64 * 1024;
    let most = 0;
    for (let { offset } = reader.state; offset < bytes.length;) {
      most = Math.max(most, chunk);
      events.push(...reader.read(bytes.subarray(offset, offset + chunk)));
      const isRead = reader.state.offset > offset;
      if (!isRead && offset + chunk >= bytes.length) break;
      chunk = isRead ? 64 * 1024 : 2 * chunk;
      ({ offset } = reader.state);
    }
    return { events, state: reader.state, most };
  }

  test.each(['\n\n', '\r\r', '\r\n\r\n', '\n\r', '\r\n\n'])(
    'of 10 MB, ended by %j, is void, and only a part of it is in memory',
    (ending) => {
      const { events, most } = readInChunks(Buffer.from(`data: ${'x'.repeat(10 * MAX_EVENT_BYTES)}${ending}${next}`));

      expect(events.map(({ data }) => data)).toEqual(['next']);
      expect(most).toBeLessThanOrEqual(2 * MAX_BLOCK_BYTES);
    },
  );

  test('is void, but is an event with one byte less', () => {
    const whole = `data: ${'x'.repeat(MAX_EVENT_BYTES - 7)}\n`;

    expect(readInChunks(Buffer.from(`${whole}\n${next}`)).events).toHaveLength(2);
    expect(readInChunks(Buffer.from(`x${whole.slice(1)}x\n\n${next}`)).events.map(({ data }) => data)).toEqual([
      'next',
    ]);
    expect(readInChunks(Buffer.from(`${whole.trimEnd()}x\n\n${next}`)).events.map(({ data }) => data)).toEqual([
      'next',
    ]);
  });

  test('is void, also in a frame of ours', () => {
    const frame = messageFrames({ own: '5-0' }, [{ id: '6-0', data: dataOf('x'.repeat(MAX_EVENT_BYTES)) }]);

    expect(readInChunks(Buffer.from(frame + next)).events.map(({ id }) => id)).toEqual(['5-0.1']);
  });

  test('may be longer in a late frame', () => {
    const block = Buffer.from(`data: ${'x'.repeat(MAX_EVENT_BYTES - 7)}\n`);
    const bytes = lateFrame({ own: '5-0' }, '6-0', { piece: '1-0', from: 0, to: block.length + 1 }, block);

    expect(readInChunks(bytes).events.map(({ data }) => data.length)).toEqual([MAX_EVENT_BYTES - 7]);
  });

  test('gives the same state wherever the bytes are cut, before and after its end', () => {
    const bytes = Buffer.from(`data: a\n\ndata: ${'x'.repeat(MAX_BLOCK_BYTES)}\r\n\r\n${next}`);
    const cut = fc.integer({ min: MAX_BLOCK_BYTES, max: bytes.length });
    fc.assert(
      fc.property(fc.array(cut, { minLength: 1, maxLength: 5 }), (cuts) => {
        const { events, states } = readInParts(bytes, '5-0', cuts);

        expect(events.map(({ id, data }) => [id, data])).toEqual([
          ['5-0.1', 'a'],
          ['5-0.2', 'next'],
        ]);
        expect(states.at(-1)).toEqual(readAll(bytes, '5-0').state);
      }),
      { numRuns: 30 },
    );
  });
});

describe('text after an end marker', () => {
  const bytes = Buffer.from(
    messageFrames({ own: '5-0' }, [{ id: '6-0', data: HI }]) +
      endMarker({ own: '6-0' }, '6-0') +
      'data: late\n\n' +
      messageFrames({ own: '6-0' }, [{ id: '7-0', data: HI }]) +
      fenced('4-0', `id: 7-0\ndata: ${HI}`) +
      'data: later\n\ndata: unfinished\n',
  );

  test('is not read', () => {
    const { events, state } = readAll(bytes, '5-0');

    expect(events).toHaveLength(1);
    expect(readAll(bytes, state)).toEqual({ events: [], state });
  });

  test('can be read as late mail: only foreign text, with its offsets', () => {
    const { state } = readAll(bytes, '5-0');
    const { events } = readAll(bytes, behindEnd(state));

    expect(events.map(({ data }) => data)).toEqual(['late', HI, 'later']);
    expect(bytes.toString('utf8', events[2]!.from, events[2]!.end)).toBe('data: later\n\n');
    expect(readAll(bytes, behindEnd(state, events[0]!.end)).events.map(({ data }) => data)).toEqual([HI, 'later']);
  });
});

test.each([
  ['', 'none'],
  ['data: a\n', 'lines'],
  ['data: a\r', 'lines'],
  ['data: a', 'partial'],
  ['data: a\nb', 'partial'],
])('after %j, what is unfinished is: %s', (tail, expected) => {
  expect(new MailReader(henry, '5-0').tailOf(Buffer.from(tail))).toBe(expected);
});
