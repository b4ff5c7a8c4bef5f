import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { MAX_EVENT_BYTES, frame, parseBlock, parseFrames, splitBlocks } from '../../src/files/event-frame.ts';
import { mailboxName } from '../../src/mailbox-name.ts';
import type { MailEvent } from '../../src/mailbox-store.ts';
import { messageData, scopedKey } from '../../src/message-data.ts';

const NOW = Date.UTC(2026, 10, 20);
const pieces = fc.constantFrom(
  '\r',
  '\n',
  '\r\n',
  'data: a',
  'data:b',
  'data',
  'event: e',
  'id: 1-0',
  ':',
  'x',
  ' ',
  '한',
);
const streamText = fc.oneof(
  fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join('')),
  fc.string({ unit: fc.constantFrom('\r', '\n', 'a', ':') }),
);

describe('cutting a stream into blocks', () => {
  test('follows the line rules of the standard for any mix of CR, LF and CRLF', () => {
    fc.assert(
      fc.property(streamText, (text) => {
        const bytes = Buffer.from(text);

        const blocks = splitBlocks(bytes).blocks.map(({ from, to }) => bytes.toString('utf8', from, to));

        expect(blocks.map(linesOf)).toEqual(blocksByTheBook(text));
      }),
      { numRuns: 2000 },
    );
  });

  test('leaves the unfinished block for later: what comes next makes it whole', () => {
    fc.assert(
      fc.property(streamText, fc.nat(200), (text, at) => {
        const bytes = Buffer.from(text);
        const cut = Math.min(at, bytes.length);

        const { blocks: first, rest } = splitBlocks(bytes.subarray(0, cut));
        const later = splitBlocks(bytes.subarray(rest)).blocks;

        const inPieces = [
          ...first.map(({ from, to }) => bytes.toString('utf8', from, to)),
          ...later.map(({ from, to }) => bytes.toString('utf8', rest + from, rest + to)),
        ];
        expect(inPieces.map(linesOf)).toEqual(blocksByTheBook(text));
      }),
      { numRuns: 2000 },
    );
  });

  test('blocks follow one another, and none reaches past the rest', () => {
    fc.assert(
      fc.property(streamText, (text) => {
        const bytes = Buffer.from(text);
        const { blocks, rest } = splitBlocks(bytes);
        const bounds = [0, ...blocks.flatMap(({ from, to, end }) => [from, to, end]), rest, bytes.length];

        expect(bounds.toSorted((a, b) => a - b)).toEqual(bounds);
      }),
    );
  });
});

describe('one block', () => {
  test('says what the standard says it does', () => {
    fc.assert(
      fc.property(streamText, (text) => {
        for (const lines of blocksByTheBook(text)) {
          const parsed = parseBlock(Buffer.from(lines.join('\n')), NOW);
          const data = dataByTheBook(lines);

          if (data === undefined) expect(['nothing', 'damaged']).toContain(parsed.kind);
          else if (idByTheBook(lines) === '1-0') expect(parsed).toMatchObject({ kind: 'damaged' });
          else expect(parsed).toMatchObject({ kind: 'foreign', data });
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['data: hi', { kind: 'foreign', data: 'hi' }],
    ['data:hi', { kind: 'foreign', data: 'hi' }],
    ['data:  hi ', { kind: 'foreign', data: ' hi ' }],
    ['data', { kind: 'foreign', data: '' }],
    ['data: one\rdata: two\r\ndata: three', { kind: 'foreign', data: 'one\ntwo\nthree' }],
    ['data: a\ndata:\ndata: b', { kind: 'foreign', data: 'a\n\nb' }],
    ['\ufeffdata: after a BOM', { kind: 'foreign', data: 'after a BOM' }],
    ['retry: 1\ndata: hi', { kind: 'foreign', data: 'hi' }],
    ['unknown: x\nstray\ndata: hi', { kind: 'foreign', data: 'hi' }],
    [': comment\ndata: hi', { kind: 'foreign', data: 'hi' }],
    ['id: theirs\ndata: hi', { kind: 'foreign', data: 'hi' }],
    ['event: wakeup\ndata: hi', { kind: 'foreign', data: 'hi', type: 'wakeup' }],
    ['event: A.b_c-9\ndata: hi', { kind: 'foreign', data: 'hi', type: 'A.b_c-9' }],
    [`event: ${'e'.repeat(64)}\ndata: hi`, { kind: 'foreign', data: 'hi', type: 'e'.repeat(64) }],
    [': only a comment', { kind: 'nothing' }],
    ['retry: 0', { kind: 'nothing' }],
    ['id: 7', { kind: 'nothing' }],
    ['event: wakeup', { kind: 'nothing' }],
  ])('%j is read as %j', (text, expected) => {
    expect(parseBlock(Buffer.from(text), NOW)).toEqual(expected);
  });

  test.each([
    ...'open error message gap presence typing sent delivered read bye ready ping'.split(' '),
    ...'한글 ../x a:b <b> a,b'.split(' '),
    'with space',
    'e'.repeat(65),
    'nul\u0000',
  ])('with the event name %j is a plain message', (name) => {
    expect(parseBlock(Buffer.from(`event: ${name}\ndata: hi`), NOW)).toEqual({ kind: 'foreign', data: 'hi' });
  });

  test.each([
    ['', 'no JSON'],
    ['{"sender":"jjeong","receiver":"henry","mess', 'half an object'],
    ['{"sender":"jjeong"}', 'no key'],
    ['{"sender":1,"key":"k"}', 'a sender that is no text'],
    ['[1]', 'an array'],
    ['null', 'null'],
    ['{"sender":"jjeong","key":"k"} {', 'more than one object'],
  ])('with an id of ours and %j (%s) is a torn append, not mail', (data) => {
    expect(parseBlock(Buffer.from(`id: ${NOW}-0\ndata: ${data}`), NOW)).toMatchObject({ kind: 'damaged' });
  });

  test('with an id far ahead of the clock is somebody else’s', () => {
    const data = '{"sender":"jjeong","key":"k"}';

    expect(parseBlock(Buffer.from(`id: ${NOW * 2}-0\ndata: ${data}`), NOW)).toEqual({ kind: 'foreign', data });
  });

  test('longer than 1 MiB is damaged, one byte less is mail', () => {
    const longest = Buffer.from(`data: ${'x'.repeat(MAX_EVENT_BYTES - 6)}`);

    expect(parseBlock(longest, NOW)).toMatchObject({ kind: 'foreign' });
    expect(parseBlock(Buffer.concat([longest, Buffer.from('x')]), NOW)).toMatchObject({ kind: 'damaged' });
  });

  test('of any bytes at all is read as something', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(['own', 'foreign', 'nothing', 'damaged']).toContain(parseBlock(Buffer.from(bytes), NOW).kind);
      }),
    );
  });
});

describe('the frame of an event', () => {
  const message = fc.record({
    sender: fc.constantFrom(mailboxName('jjeong'), mailboxName('김영희'), mailboxName('__proto__')),
    receiver: fc.constant(mailboxName('henry')),
    message: fc.oneof(fc.string({ unit: 'binary' }), streamText, fc.constant('\ud800\u2028\u0000')),
    key: fc.string({ unit: 'binary' }),
  });
  const type = fc.option(fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/), { nil: undefined });

  test('of ours is one block, and gives back the message as it was', () => {
    fc.assert(
      fc.property(message, fc.nat(10 ** 6), (message, seq) => {
        const id = `${NOW}-${seq}`;
        const data = messageData(message, NOW);
        const bytes = Buffer.from(frame({ id, data }));

        const { blocks, rest } = splitBlocks(bytes);

        expect(blocks).toHaveLength(1);
        expect(rest).toBe(bytes.length);
        const parsed = parseBlock(bytes.subarray(blocks[0]!.from, blocks[0]!.to), NOW);
        expect(parsed).toEqual({ kind: 'own', id, data, key: scopedKey(message) });
        expect(JSON.parse(data)).toEqual({ ...message, time: new Date(NOW).toISOString() });
      }),
    );
  });

  test('ends whatever stood torn before it', () => {
    fc.assert(
      fc.property(message, streamText, (message, torn) => {
        const data = messageData(message, NOW);
        const bytes = Buffer.from(torn + frame({ id: `${NOW}-0`, data }));

        const last = splitBlocks(bytes).blocks.at(-1)!;

        expect(parseBlock(bytes.subarray(last.from, last.to), NOW)).toMatchObject({ kind: 'own', data });
      }),
    );
  });

  test('cut off at any byte, with another behind it, never shows a part', () => {
    const first = Buffer.from(ownFrame('안녕\n\ndata: forged', 0));
    const second = Buffer.from(ownFrame('whole', 1));

    for (let cut = 0; cut <= first.length; cut += 1) {
      const bytes = Buffer.concat([first.subarray(0, cut), second]);
      const shown = splitBlocks(bytes)
        .blocks.map(({ from, to }) => parseBlock(bytes.subarray(from, to), NOW))
        .filter(({ kind }) => kind === 'own' || kind === 'foreign')
        .map((parsed) => JSON.parse('data' in parsed ? parsed.data : '').message as string);

      expect([['whole'], ['안녕\n\ndata: forged', 'whole']]).toContainEqual(shown);
    }
  });

  test('in a log gives back the same events, foreign ones of several lines too', () => {
    const lines = fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 4 });
    const foreignData = lines.map((texts) => texts.map((text) => text.replaceAll(/[\r\n]/g, '')).join('\n'));
    const events = fc.array(fc.record({ data: foreignData, type, isForeign: fc.boolean() }), { maxLength: 8 });
    fc.assert(
      fc.property(events, (drafts) => {
        const events = drafts.map(({ data, type, isForeign }, i): MailEvent => {
          const event = { id: `${NOW - 1}-${i}${isForeign ? '.1' : ''}`, time: isForeign ? NOW : NOW - 1, data };
          return type === undefined ? event : { ...event, type };
        });
        const text = Buffer.from(events.map(frame).join('')).toString('utf8');

        const lone = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
        fc.pre(!drafts.some(({ data }) => lone.test(data))); // a decoder never makes these
        expect(parseFrames(text, NOW)).toEqual(events);
      }),
    );
  });
});

function ownFrame(message: string, seq: number): string {
  const [sender, receiver] = [mailboxName('jjeong'), mailboxName('henry')];
  return frame({ id: `${NOW}-${seq}`, data: messageData({ sender, receiver, message, key: `key ${seq}` }, NOW) });
}

// The standard, said again in the plainest way [sse]: lines end with CRLF, LF or CR; a blank line ends a block.

function linesOf(text: string): string[] {
  return text.split(/\r\n|\n|\r/).filter((line) => line !== '');
}

function blocksByTheBook(text: string): string[][] {
  const lines = text.split(/\r\n|\n|\r/);
  lines.pop(); // what no line end has ended is no line yet
  const blocks: string[][] = [];
  let block: string[] = [];
  for (const line of lines) {
    if (line !== '') {
      block.push(line);
    } else if (block.length > 0) {
      blocks.push(block);
      block = [];
    }
  }
  return blocks;
}

function field(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  if (colon === -1) return [line, ''];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value];
}

function dataByTheBook(lines: readonly string[]): string | undefined {
  const values = lines.map(field).filter(([name]) => name === 'data');
  return values.length === 0 ? undefined : values.map(([, value]) => value).join('\n');
}

function idByTheBook(lines: readonly string[]): string | undefined {
  return lines.map(field).findLast(([name]) => name === 'id')?.[1];
}
