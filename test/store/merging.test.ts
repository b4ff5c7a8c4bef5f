import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadLog } from '../../src/files/read-on.ts';
import { Floor } from '../../src/files/floor.ts';
import { endMarker, lateFrame, messageFrames } from '../../src/files/frames.ts';
import { IdClock } from '../../src/files/id-clock.ts';
import type { MailLog } from '../../src/files/mail-log.ts';
import { MailboxPaths } from '../../src/files/mailbox-paths.ts';
import type { StoreContext } from '../../src/files/store-context.ts';
import { merge } from '../../src/files/merging.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { dataOf } from '../support/mail-pieces.ts';
import { henry } from '../support/store-mail.ts';

const PIECES = 40;

/** Pieces with a message, foreign text and, in the last ones, a message of ours that came late. */
function pieceText(i: number): string {
  const own = `${i * 10 + 1}-0`;
  const late = lateFrame(
    { own },
    `${i * 10 + 2}-0`,
    { piece: '0-0', from: 0, to: 9 },
    Buffer.from(`data: ${dataOf('late')}\n`),
  );
  return (
    messageFrames({ own: `${i * 10}-0` }, [{ id: own, data: dataOf(`message ${i}`) }]) +
    'event: alert\ndata: two\ndata: lines\n\n' +
    late.toString() +
    endMarker({ own: `${i * 10 + 2}-0` }, `${i * 10 + 10}-0`)
  );
}

async function load(dir: string, keepMs = Infinity): Promise<MailLog> {
  const clock = new IdClock();
  const context = { clock, floor: new Floor(dir), now: () => 5000, uptimeMs: () => 0, keepMs } as StoreContext;
  return loadLog(new MailboxPaths(dir, henry), context, () => undefined);
}

test('many small pieces become one with the same events, in which only our messages have keys', async () => {
  const dir = temporaryDirectory();
  const delivered = join(dir, '.delivered/henry');
  mkdirSync(delivered, { recursive: true });
  for (let i = 0; i < PIECES; i += 1) writeFileSync(join(delivered, `${i * 10}-0_${i * 10 + 10}-0.txt`), pieceText(i));
  const before = await load(dir);
  const said = await everything(before);
  expect(said).toHaveLength(3 * PIECES);

  await merge(before);

  expect(readdirSync(delivered)).toEqual([`0-0_${PIECES * 10}-0.log`]);
  expect(await everything(before)).toEqual(said);
  const after = await load(dir);
  expect(await everything(after)).toEqual(said);
  const keys = await after.keys();
  expect(keys.get('jjeong\nkey of message 3', 0)).toBe('31-0');
  expect(keys.get('jjeong\nkey of late', 0)).toBeUndefined();
});

test('a merged piece covers at most a twelfth of the time that mail is kept', async () => {
  const dir = temporaryDirectory();
  const delivered = join(dir, '.delivered/henry');
  mkdirSync(delivered, { recursive: true });
  for (let i = 0; i < PIECES; i += 1) writeFileSync(join(delivered, `${i * 10}-0_${i * 10 + 10}-0.txt`), pieceText(i));
  const log = await load(dir, 12 * 350);

  await merge(log);
  await merge(log);

  expect(log.pieces.map(({ end }) => end)).toEqual(['360-0', '370-0', '380-0', '390-0', '400-0']);
});

async function everything(log: MailLog): Promise<unknown[]> {
  const all: { id: string }[] = [];
  for (let after = '0-0'; ; after = all.at(-1)!.id) {
    const { events } = await log.read(after, 1000);
    if (events.length === 0) return all;
    all.push(...events);
  }
}
