import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { sh, testWith } from './fault-test.ts';
import { afterThisTest } from '../../support/after-this-test.ts';
import { temporaryDirectory } from '../../support/directory.ts';

export type FileSystem = 'ext4' | 'xfs';

/** XFS needs at least 300 MB. Little of it is ever written. */
const MAKE: Readonly<Record<FileSystem, string>> = {
  ext4: 'truncate -s 32M $image && mkfs.ext4 -q -F $image',
  xfs: 'truncate -s 320M $image && mkfs.xfs -q $image',
};

/** A separate disk, whose power can be cut. */
export class DiskImage {
  readonly #images = temporaryDirectory();
  readonly #place = temporaryDirectory();
  #cuts = 0;

  constructor(fileSystem: FileSystem) {
    sh(`image=${this.#image}; ${MAKE[fileSystem]}`);
    sh(`mount -o loop ${this.#image} ${this.#place}`);
    afterThisTest(() => sh(`umount -l ${this.#place}`));
  }

  get dir(): string {
    return join(this.#place, 'mailboxes');
  }

  /** Syncs everything that any process has written so far. */
  settle(): void {
    sh(`sync -f ${this.#place}`);
  }

  /** Kills the server that uses the disk, and mounts what the disk held at this instant. */
  async cutPower(server: { readonly pid: number; readonly kill: () => Promise<unknown> }): Promise<void> {
    process.kill(server.pid, 'SIGSTOP');
    const before = this.#image;
    this.#cuts += 1;
    sh(`cp --sparse=always ${before} ${this.#image}`);
    await server.kill();
    sh(`umount ${this.#place} && mount -o loop ${this.#image} ${this.#place}`);
  }

  get #image(): string {
    return join(this.#images, `disk-${this.#cuts}`);
  }
}

function succeeds(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** A test on such a disk. Where the machine cannot make one, it is skipped, and its name says so. */
export function testOnDisk(fileSystem: FileSystem): ReturnType<typeof testWith> {
  const isHere = process.getuid?.() === 0 && succeeds('losetup', '-f') && succeeds(`mkfs.${fileSystem}`, '-V');
  return testWith(isHere, `the right to mount loop devices, or mkfs.${fileSystem}`);
}
