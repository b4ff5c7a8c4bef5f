import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { frame, ownFramesAtHead, parseBlock, splitBlocks } from '../../src/files/event-frame.ts';
import { stretchesIn } from '../../src/files/waiting-mail.ts';
import { mailboxName } from '../../src/mailbox-name.ts';
import { messageData } from '../../src/message-data.ts';

const NOW = Date.UTC(2026, 10, 20);
const DAY_MS = 24 * 60 * 60 * 1000;

const own = fc
  .record({
    id: fc.oneof(
      { weight: 5, arbitrary: fc.nat(99).map((seq) => `${NOW}-${seq}`) },
      fc.constantFrom(`${NOW}-0.1`, `${NOW + 2 * DAY_MS}-0`, `0${NOW}-0`, `${NOW}-`),
    ),
    message: fc.constantFrom('hi', '', '안녕', '👍', 'a "quoted" word', 'two\nlines', '\ud800'),
    key: fc.constantFrom('k.1', 'k.2', '', '열쇠', '\\'),
  })
  .map(({ id, message, key }) => {
    const [sender, receiver] = [mailboxName('jjeong'), mailboxName('henry')];
    return Buffer.from(frame({ id, data: messageData({ sender, receiver, message, key }, NOW) }));
  });
const damaged = fc
  .tuple(own, fc.nat(), fc.constantFrom('', '\0', '\n', '\r', '"', '\\', '}', '한'))
  .map(([bytes, at, text]) => {
    const cut = at % bytes.length;
    return Buffer.concat([bytes.subarray(0, cut), Buffer.from(text), bytes.subarray(cut + 1)]);
  });
const foreign = fc
  .constantFrom('data: hi\n\n', '\ufeffdata: hi\r\n\r\n', '\n', '\n\n\n', ': note\n\n', 'half a line')
  .map((text) => Buffer.from(text));
const noText = fc.constantFrom(Buffer.from([0xff]), Buffer.from('한').subarray(0, 2));
const mail = fc
  .array(fc.oneof({ weight: 6, arbitrary: own }, damaged, foreign, noText), { maxLength: 12 })
  .map((pieces) => Buffer.concat(pieces));

describe('mail that waits', () => {
  test('says the same, read in one go or block by block', () => {
    fc.assert(
      fc.property(mail, fc.nat(1000), (bytes, base) => {
        const { blocks, rest } = splitBlocks(bytes);

        const { stretches, end } = stretchesIn(bytes, base, NOW);

        const said = stretches.filter(({ parsed }) => parsed.kind !== 'nothing');
        const byBlocks = blocks
          .map((block) => ({ block, parsed: parseBlock(bytes.subarray(block.from, block.to), NOW) }))
          .filter(({ parsed }) => parsed.kind !== 'nothing');
        expect(said.map(({ parsed }) => parsed)).toEqual(byBlocks.map(({ parsed }) => parsed));
        expect(end).toBe(base + rest);
        for (const [i, { block }] of byBlocks.entries()) {
          expect(said[i]!.from).toBeLessThanOrEqual(base + block.from);
          expect(said[i]!.end).toBeGreaterThanOrEqual(base + block.end);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('is covered without a hole', () => {
    fc.assert(
      fc.property(mail, (bytes) => {
        const { stretches, end } = stretchesIn(bytes, 0, NOW);

        expect(stretches.map(({ from }) => from)).toEqual([0, ...stretches.map((stretch) => stretch.end)].slice(0, -1));
        expect(stretches.at(-1)?.end ?? 0).toBe(end);
      }),
    );
  });

  test('of ours with nothing to escape is read in one go, in any language', () => {
    const texts = ['hi', '안녕', '👍'];
    const [sender, receiver] = [mailboxName('jjeong'), mailboxName('henry')];
    const frames = texts.map((message, i) =>
      frame({ id: `${NOW}-${i}`, data: messageData({ sender, receiver, message, key: `k.${i}` }, NOW) }),
    );

    const read = ownFramesAtHead(Buffer.from(`${frames.join('')}\n\nid: 5`), NOW);

    expect(read.map(({ parsed }) => (JSON.parse(parsed.data) as { message: string }).message)).toEqual(texts);
    expect(read.at(-1)!.end).toBe(Buffer.byteLength(frames.join('')));
    // The line feeds in front may have been read with what came before.
    expect(ownFramesAtHead(Buffer.from(frames.join('').trimStart()), NOW)).toHaveLength(texts.length);
  });
});
