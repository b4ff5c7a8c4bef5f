import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { MailboxLocks } from '../../src/files/mailbox-locks.ts';
import { silent } from '../../src/words/logger.ts';
import { sh, testWithMounts } from '../faults/kit/fault-test.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { temporaryDirectory } from '../support/directory.ts';

/** The outcome of asking for the lock of a mailbox in this directory, and how long that took. */
async function held(dir: string): Promise<{ error: unknown; tookMs: number }> {
  const locks = new MailboxLocks(silent);
  const beganMs = performance.now();
  const error = await locks.hold(join(dir, '.locks/henry.lock')).catch((error: unknown) => error);
  await locks.close();
  return { error, tookMs: performance.now() - beganMs };
}

const UNWRITABLE = [
  ['without a free inode', 'nr_inodes=2', 'DISK_FULL'],
  ['on a read-only file system', 'ro', 'WRITE_FAILED'],
] as const;

for (const [where, options, code] of UNWRITABLE) {
  testWithMounts(`a lock ${where} fails at once, with the reason`, async () => {
    const dir = temporaryDirectory();
    sh(`mount -t tmpfs none ${dir} && mkdir ${dir}/.locks && mount -o remount,${options} ${dir}`);
    afterThisTest(() => sh(`umount -l ${dir}`));

    const { error, tookMs } = await held(dir);

    expect(error).toMatchObject({ code });
    expect(tookMs).toBeLessThan(1000);
  });
}

test('a free lock can be taken even if .locks was removed', async () => {
  expect((await held(temporaryDirectory())).error).toBeUndefined();
});

test('the lock of a dead holder is taken over once it is stale, whatever the holder’s clock said', async () => {
  for (const ms of [-1, 1]) {
    const dir = temporaryDirectory();
    const lock = join(dir, '.locks/henry.lock');
    mkdirSync(lock, { recursive: true });
    const touched = Date.now() / 1000 + ms * 3600;
    utimesSync(lock, touched, touched);

    expect((await held(dir)).error).toBeUndefined();
  }
});

test('a lock that cannot be removed counts as another program’s', async () => {
  const dir = temporaryDirectory();
  const lock = join(dir, '.locks/henry.lock');
  mkdirSync(lock, { recursive: true });
  writeFileSync(join(lock, 'file'), '');
  utimesSync(lock, 0, 0);

  expect((await held(dir)).error).toMatchObject({ code: 'MAILBOX_BUSY' });
}, 10_000);
