import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { OwnerSocket } from '../../src/ownership/owner-socket.ts';
import { sh, testWithMounts } from '../faults/kit/fault-test.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { temporaryDirectory } from '../support/directory.ts';

test('locks that a dead owner left are removed when another process becomes the owner', async () => {
  const dir = temporaryDirectory();
  const left = join(dir, '.locks/henry.lock');
  mkdirSync(left, { recursive: true });
  const socket = new OwnerSocket(dir);
  afterThisTest(() => socket.close());

  expect(await socket.listen(() => undefined)).toBe(true);

  expect(existsSync(left)).toBe(false);
});

testWithMounts('a lock that cannot be removed keeps nobody from becoming the owner', async () => {
  const dir = temporaryDirectory();
  const left = join(dir, '.locks/henry.lock');
  mkdirSync(left, { recursive: true });
  sh(`mount -t tmpfs none ${left}`);
  afterThisTest(() => sh(`umount ${left}`));
  const socket = new OwnerSocket(dir);
  afterThisTest(() => socket.close());

  expect(await socket.listen(() => undefined)).toBe(true);
});
