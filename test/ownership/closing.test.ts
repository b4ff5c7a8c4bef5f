import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { silent } from '../../src/words/logger.ts';
import { OwnerSocket } from '../../src/ownership/owner-socket.ts';
import { Ownership } from '../../src/ownership/ownership.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { temporaryDirectory } from '../support/directory.ts';

test('a process that waits for another owner to answer or to give way can be closed', async () => {
  const dir = temporaryDirectory();
  const other = new OwnerSocket(dir);
  await other.listen(() => undefined);
  afterThisTest(() => other.close());
  rmSync(join(dir, '.owner/socket')); // as if it had been stopped before it made one
  const ownership = new Ownership(
    dir,
    () => ({ close: () => Promise.resolve(), answerPassed: () => undefined }),
    silent,
  );

  await ownership.close();

  await expect(ownership.owned()).rejects.toMatchObject({ code: 'CLOSED' });
});
