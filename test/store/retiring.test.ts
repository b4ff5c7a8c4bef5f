import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadLog } from '../../src/files/read-on.ts';
import { Floor } from '../../src/files/floor.ts';
import { endMarker } from '../../src/files/frames.ts';
import { IdClock } from '../../src/files/id-clock.ts';
import { learnLate } from '../../src/files/late-mail.ts';
import { MailboxPaths } from '../../src/files/mailbox-paths.ts';
import type { StoreContext } from '../../src/files/store-context.ts';
import { idlePieces, retire } from '../../src/files/retiring.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { henry } from '../support/store-mail.ts';

const NAME = '0-0_0-0.1.txt';

test('a piece that grew after it was found idle is not retired', async () => {
  const dir = temporaryDirectory();
  const paths = new MailboxPaths(dir, henry);
  mkdirSync(paths.taken, { recursive: true });
  mkdirSync(paths.delivered, { recursive: true });
  const piece = join(paths.taken, NAME);
  writeFileSync(piece, `data: hi\n\n${endMarker({ own: '0-0' }, '0-0.1')}`);
  const context = { clock: new IdClock(), floor: new Floor(dir), now: () => 5000, uptimeMs: () => 0 } as StoreContext;
  const log = loadLog(paths, context, () => undefined);
  await learnLate(log);
  const idle = idlePieces(log, 0);
  expect(idle).toHaveLength(1);

  appendFileSync(piece, 'data: late\n\n');
  await retire(log, idle);

  expect(existsSync(piece)).toBe(true);
  expect([...log.open.values()]).toEqual(idle);
});
