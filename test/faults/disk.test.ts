import { describe, expect } from '@jest/globals';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Strace, canInject } from './kit/strace.ts';
import { DiskImage, testOnDisk, type FileSystem } from './kit/disk-image.ts';
import { sh, testWithMounts, testWithPrlimit, testWithStrace } from './kit/fault-test.ts';
import { isErrno } from '../../src/words/mailbox-error.ts';
import { ALL_WELL, Scene, type Judgement } from './kit/scene.ts';
import { until } from '../support/until.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { OwnerSocket } from '../../src/ownership/owner-socket.ts';

/** A directory on its own file system. */
function mounted(command: (path: string) => string): string {
  const path = temporaryDirectory();
  sh(command(path));
  afterThisTest(() => sh(`umount -l ${path}`));
  return path;
}

async function readiness({ port }: Scene): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
}

/** Uses up all free space; `free` gives it back. */
function fill(dir: string): { free: () => void } {
  const path = join(dir, 'filler');
  const fd = openSync(path, 'a');
  try {
    for (;;) writeSync(fd, Buffer.alloc(1024));
  } catch (error) {
    if (!isErrno(error, 'ENOSPC')) throw error;
  } finally {
    closeSync(fd);
  }
  return { free: () => rmSync(path) };
}

testWithMounts('stays the owner when the disk can only be read', async () => {
  const dir = mounted((path) => `mount -t tmpfs -o size=512k none ${path}`);
  const socket = new OwnerSocket(dir);
  afterThisTest(() => socket.close());
  await socket.listen(() => undefined);

  sh(`mount -o remount,ro ${dir}`);

  expect(socket.isReached()).toBe(true);
});

for (const receiver of ['away', 'listening'] as const) {
  testWithMounts(
    `answers 507 on a full disk, and works again when there is space (receiver ${receiver})`,
    async () => {
      const dir = mounted((path) => `mount -t tmpfs -o size=512k none ${path}`);
      const scene = await Scene.open({ dir });
      try {
        await scene.sender.send(2);
        if (receiver === 'listening') await scene.follow();
        const disk = fill(dir);

        const sending = scene.sender.send(80); // the rest of a page takes some
        await until('507', () => (scene.sender.refusals.get('507') ?? 0) >= 3);
        const readyWhenFull = await readiness(scene);
        disk.free();
        await sending;

        expect([readyWhenFull, await readiness(scene)]).toEqual([507, 200]);
        expect(scene.sender.refusals.size).toBe(1);
        expect(scene.follower?.connections ?? 1).toBe(1);
        expect(await scene.judge()).toEqual(ALL_WELL);
      } finally {
        await scene.clear();
      }
    },
    60_000,
  );
}

testWithMounts(
  'drains once there is space if the disk was full when the receiver came',
  async () => {
    const dir = mounted((path) => `mount -t tmpfs -o size=512k none ${path}`);
    const scene = await Scene.open({ dir });
    try {
      await scene.sender.send(30);
      const disk = fill(dir);
      const following = scene.follow();
      await until('a stream', () => (scene.follower?.connections ?? 0) > 0);
      disk.free();

      await following;

      expect(scene.follower!.connections).toBe(1);
      expect(await scene.judge()).toEqual(ALL_WELL);
    } finally {
      await scene.clear();
    }
  },
  60_000,
);

testWithMounts(
  'starts on a full disk, shows waiting mail, and accepts mail when there is space',
  async () => {
    const dir = mounted((path) => `mount -t tmpfs -o size=512k none ${path}`);
    const scene = await Scene.open({ dir, command: true });
    try {
      await scene.sender.send(2);
      await scene.follow();
      await scene.server.terminate();
      const disk = fill(dir);

      await scene.start();
      const readyWhenFull = await readiness(scene);
      const kept = await fetch(`http://127.0.0.1:${scene.port}/history?receiver=alice&sender=bob`);
      disk.free();

      expect(((await kept.json()) as { messages: object[] }).messages).toHaveLength(2);
      expect([readyWhenFull, await readiness(scene)]).toEqual([507, 200]);
      await scene.sender.send(1);
      await scene.shown();
      expect(await scene.judge()).toEqual(ALL_WELL);
    } finally {
      await scene.clear();
    }
  },
  60_000,
);

testWithPrlimit(
  'answers 507 at the file size limit, and works again when the limit is lifted',
  async () => {
    const scene = new Scene();
    try {
      await scene.start({}, ['prlimit', '--fsize=4096:unlimited']);
      const sending = scene.sender.send(60);
      await until('507', () => scene.server.isOver || (scene.sender.refusals.get('507') ?? 0) >= 3);
      expect(scene.server.isOver).toBe(false);
      sh(`prlimit --pid ${scene.server.pid} --fsize=unlimited:unlimited`);

      await sending;

      expect(await scene.judge()).toEqual(ALL_WELL);
    } finally {
      await scene.clear();
    }
  },
  60_000,
);

/** The power cut: the server is stopped, and what the disk holds at that instant is copied. */
async function cutPower(
  fileSystem: FileSystem,
  receiver: 'away' | 'listening',
  before?: (pid: number) => Promise<unknown>,
): Promise<Judgement> {
  const disk = new DiskImage(fileSystem);
  const scene = await Scene.open({ dir: disk.dir, command: true });
  try {
    await before?.(scene.server.pid);
    await scene.sender.send(1);
    if (receiver === 'listening') await scene.follow();
    const sending = scene.sender.send(120);
    sending.catch(() => undefined);
    await until('some are accepted', () => scene.ledger.accepted > 50);

    await disk.cutPower(scene.server);
    await scene.start();
    await sending;
    return await scene.judge(before ? 4000 : undefined); // no need to wait long for what is lost
  } finally {
    await scene.clear();
  }
}

describe.each(['ext4', 'xfs'] as const)('on %s', (fileSystem) => {
  for (const receiver of ['away', 'listening'] as const) {
    testOnDisk(fileSystem)(
      `keeps what it accepted when the power is cut (receiver ${receiver})`,
      async () => {
        expect(await cutPower(fileSystem, receiver)).toEqual(ALL_WELL);
      },
      60_000,
    );
  }

  (canInject() ? testOnDisk(fileSystem) : testWithStrace)(
    'would lose mail in a power cut if fdatasync did nothing (control)',
    async () => {
      let strace: Strace | undefined;
      const withoutSync = async (pid: number): Promise<void> => {
        strace = await Strace.attach(pid, { calls: ['fdatasync', 'fsync'], fault: 'retval=0' });
      };

      const judgement = await cutPower(fileSystem, 'listening', withoutSync);

      await strace!.detach();
      expect(judgement.lost).toBeGreaterThan(0);
    },
    90_000,
  );
});
