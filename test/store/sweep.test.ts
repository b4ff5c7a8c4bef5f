import { mkdirSync, readdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { endMarker } from '../../src/files/frames.ts';
import { silent } from '../../src/words/logger.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { Clock } from '../support/store-files.ts';
import { appendAll, readAll, textsOf } from '../support/store-mail.ts';
import { until } from '../support/until.ts';

test('a directory that cannot be listed for a moment is warned of, and does not end the process', async () => {
  const dir = temporaryDirectory();
  const logs = join(dir, '.delivered');
  let warn: (warning: object) => void;
  const warning = new Promise((resolve) => (warn = resolve));
  const store = new FileMailboxes(dir, { watch: false, logger: { ...silent, warn: (told) => warn(Object(told)) } });
  afterThisTest(() => store.close());

  rmdirSync(logs);
  writeFileSync(logs, '');
  expect(await warning).toMatchObject({ err: { code: 'ENOTDIR', path: logs } });
  unlinkSync(logs);
  mkdirSync(logs, { mode: 0o700 });

  await appendAll(store, ['hi']);
  expect(textsOf(await readAll(store))).toEqual(['hi']);
});

test('moving pieces of many mailboxes does not hold up the end', async () => {
  const dir = temporaryDirectory();
  const names = Array.from({ length: 300 }, (_, i) => `person-${i}`);
  for (const name of names) {
    mkdirSync(join(dir, '.taken', name), { recursive: true });
    writeFileSync(join(dir, '.taken', name, '0-0_0-0.1.txt'), `data: hi\n\n${endMarker({ own: '0-0' }, '0-0.1')}`);
  }
  const uptime = new Clock(0);
  const store = new FileMailboxes(dir, { watch: false, uptimeMs: uptime.now });
  afterThisTest(() => store.close());
  const moved = (): string[] => names.filter((name) => readdirSync(join(dir, '.delivered')).includes(name));
  await store.ready();
  uptime.move(3000);
  await until('the first piece to be moved', () => moved().length > 0);

  await store.close();

  expect(moved().length).toBeLessThan(names.length);
});
