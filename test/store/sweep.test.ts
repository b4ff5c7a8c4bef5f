import { mkdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { silent } from '../../src/words/logger.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { appendAll, readAll, textsOf } from '../support/store-mail.ts';

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
