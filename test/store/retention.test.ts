import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadLog } from '../../src/files/read-on.ts';
import { Floor } from '../../src/files/floor.ts';
import { endMarker } from '../../src/files/frames.ts';
import { IdClock } from '../../src/files/id-clock.ts';
import { MailboxPaths } from '../../src/files/mailbox-paths.ts';
import type { StoreContext } from '../../src/files/store-context.ts';
import { retain } from '../../src/files/retention.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { henry } from '../support/store-mail.ts';

const NOW = Date.UTC(2026, 10, 20);
const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const LONG_AGO = NOW - 400 * DAY_MS;

/** Whether retention drops a piece that begins and ends with these ids and was last written `ageMs` ago. */
async function isDropped(start: string, end: string, ageMs: number, text = 'data: hi\n\n'): Promise<boolean> {
  const dir = temporaryDirectory();
  const paths = new MailboxPaths(dir, henry);
  mkdirSync(paths.delivered, { recursive: true });
  const name = `${start}_${end}.txt`;
  writeFileSync(join(paths.delivered, name), text);
  utimesSync(join(paths.delivered, name), (NOW - ageMs) / 1000, (NOW - ageMs) / 1000);
  const context: Partial<StoreContext> = {
    clock: new IdClock(),
    floor: new Floor(dir),
    now: () => NOW,
    uptimeMs: () => 0,
    keepMs: 365 * DAY_MS,
    keepBytes: 1024 ** 3,
  };
  const log = loadLog(paths, context as StoreContext, () => undefined);

  retain(log, log.newest, NOW);

  return !readdirSync(paths.delivered).includes(name);
}

test.each([
  ['foreign mail alone', '0-0', '0-0.2'],
  ['foreign mail long after the last message', `${LONG_AGO}-0`, `${LONG_AGO}-0.7`],
  ['messages of a clock that was never set', '3000-0', '5000-3'],
  ['messages of a clock that was ahead', `${NOW}-0`, `${NOW + 400 * DAY_MS}-0`],
])('the age of %s is that of the file', async (_, start, end) => {
  expect(await isDropped(start, end, HOUR_MS)).toBe(false);
  expect(await isDropped(start, end, 366 * DAY_MS)).toBe(true);
});

test('the age of messages is that of their ids, even in a copy of the file', async () => {
  expect(await isDropped(`${LONG_AGO}-0`, `${LONG_AGO + 1}-0`, HOUR_MS)).toBe(true);
  expect(await isDropped(`${LONG_AGO}-0`, `${NOW - HOUR_MS}-0`, 366 * DAY_MS)).toBe(false);
});

test('the age of foreign mail in a copy is that of its end marker, but not of a forged older one', async () => {
  const markedAs = (ms: number): string => `data: hi\n\n${endMarker({ own: '0-0' }, '0-0.2', ms)}`;

  expect(await isDropped('0-0', '0-0.2', -HOUR_MS, markedAs(LONG_AGO))).toBe(true);
  expect(await isDropped('0-0', '0-0.2', HOUR_MS, markedAs(1))).toBe(false);
});
