import {
  accessSync,
  closeSync,
  constants,
  openSync,
  realpathSync,
  rmSync,
  statfsSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { READ, namesIn, readRange, statIfThere, syncNow, withFile } from '../files/disk.ts';
import { checkLayout } from '../files/layout.ts';
import { LOCK_STALE_MS } from '../files/lock.ts';
import { DELIVERED, LOCKS, MAILBOX_ENDING, MARKS, TAKEN, TORN, isMailboxFile } from '../files/mailbox-paths.ts';
import { openAmong } from '../files/open-files.ts';
import { isSuccessor, listTakes } from '../files/takes.ts';
import { MailboxError, isErrno } from '../mailbox-error.ts';
import { mailboxName } from '../mailbox-name.ts';
import { each, ok, problem, sizeInWords, warning, type Finding } from './finding.ts';

/** A file system's number, its name, and what is wrong with mail on it. Numbers from linux/magic.h. */
const FILE_SYSTEMS: ReadonlyMap<number, readonly [name: string, trouble?: (what: string) => Finding]> = new Map([
  [0xef53, ['ext4']],
  [0x58465342, ['XFS']],
  [0x9123683e, ['Btrfs']],
  [0x2fc12fc1, ['ZFS']],
  [0xf2f52010, ['F2FS']],
  [0x01021994, ['tmpfs', (what: string) => warning(`${what}, which is memory`, 'Mail there is gone after a reboot.')]],
  [0x794c7630, ['overlayfs', (what) => warning(`${what}: a container's own`, 'Mount a volume, or mail goes with it.')]],
  [0x6969, ['NFS', network]],
  [0xff534d42, ['CIFS', network]],
  [0xfe534d42, ['SMB', network]],
  [0x01021997, ['9P', network]],
  [0x65735546, ['FUSE', network]],
  [0x786f4256, ['a VirtualBox share', network]],
]);

const LITTLE_SPACE = 100 * 1024 ** 2;
const SLOW_SYNC_MS = 100;
/** Whoever writes has finished by then, and a working server has taken notice. */
const SETTLED_MS = 60_000;

/** Looks at a data directory; changes nothing in it but for a file that is made and removed. */
export async function examineDirectory(dir: string): Promise<Finding[]> {
  try {
    checkLayout(dir);
    const look = new DirectoryLook(dir);
    return [...look.place(), ...look.entries(), ...look.locks(), ...(await look.takes()), ...look.torn()];
  } catch (error) {
    if (error instanceof MailboxError) return [problem(error.message, '')];
    if (isErrno(error, 'EACCES', 'EPERM')) return [notOurs(dir, 'read', error)];
    if (isErrno(error, 'ENOTDIR')) return [problem(`${dir} is not a directory`, 'Choose another: --dir <path>')];
    throw error;
  }
}

function network(what: string): Finding {
  return problem(`${what}, which is no local file system`, 'Locks and appends are not safe there: use a local disk.');
}

function notOurs(dir: string, how: string, { code }: NodeJS.ErrnoException): Finding {
  const who = process.geteuid?.();
  return problem(
    `${dir} cannot be ${how === 'read' ? 'read' : 'written'} (${code}, running as uid ${who})`,
    `Run this as the server's user, or give it the directory: sudo chown -R ${who} ${dir}`,
  );
}

interface Entry {
  readonly name: string;
  readonly path: string;
  readonly stat: Stats;
}

class DirectoryLook {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  // The place

  place(): Finding[] {
    const { type, bavail, bsize } = statfsSync(this.#dir);
    const free = bavail * bsize;
    const [name, trouble] = (process.platform === 'linux' ? FILE_SYSTEMS.get(type) : undefined) ?? [`type ${type}`];
    const what = `${this.#dir} is on ${name}`;
    const space = free < LITTLE_SPACE ? [warning(`Only ${sizeInWords(free)} are free`, 'Make some room.')] : [];
    const found = trouble ? trouble(what) : ok(`${what}, with ${sizeInWords(free)} free`);
    return [found, ...space, this.#writing(), ...this.#ownDirectories()];
  }

  #writing(): Finding {
    const path = join(this.#dir, `.doctor-${process.pid}`);
    try {
      const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      const startedMs = performance.now();
      try {
        writeSync(fd, 'one message, more or less\n');
        syncNow(fd);
      } finally {
        closeSync(fd);
        rmSync(path);
      }
      const ms = performance.now() - startedMs;
      const what = `${this.#dir} can be written; a write is on the disk after ${ms.toFixed(1)} ms`;
      return ms < SLOW_SYNC_MS ? ok(what) : warning(what, 'Every message takes that long: look for a faster disk.');
    } catch (error) {
      if (isErrno(error, 'EACCES', 'EPERM')) return notOurs(this.#dir, 'write', error);
      const why = error instanceof Error ? error.message : String(error);
      return problem(`${this.#dir} cannot be written: ${why}`, 'No mail is accepted until that is mended.');
    }
  }

  #ownDirectories(): Finding[] {
    const own = [TAKEN, DELIVERED, MARKS, TORN, LOCKS].flatMap((name) => this.#entry(this.#dir, name));
    const notDirectories = own.filter(({ stat }) => !stat.isDirectory());
    const device = statIfThere(this.#dir)?.dev;
    const elsewhere = own.filter(({ name, stat }) => name === TAKEN && stat.isDirectory() && stat.dev !== device);
    return [
      ...each(notDirectories, ({ path, stat }) => problem(`${path} is ${kindOf(stat)}`, 'Move it away.')),
      ...each(elsewhere, ({ path }) => problem(`${path} is on another file system`, 'Mail cannot be moved there.')),
    ];
  }

  // The mailboxes

  entries(): Finding[] {
    const entries = namesIn(this.#dir)
      .filter((name) => !name.startsWith('.'))
      .flatMap((name) => this.#entry(this.#dir, name));
    const strange = entries.filter((entry) => !entry.stat.isFile() || this.#hasOtherNames(entry));
    const mailboxes = entries.filter((entry) => isMailboxFile(entry.name) && !strange.includes(entry));
    const misnamed = mailboxes.filter(({ name }) => canonical(name) !== name);
    const ours = mailboxes.filter((entry) => !misnamed.includes(entry));
    const shut = ours.filter(({ path }) => !isAccessible(path));
    const waiting = ours.reduce((sum, { stat }) => sum + stat.size, 0);
    return [
      ok(`${ours.length} mailboxes; ${sizeInWords(waiting)} wait in them, ${sizeInWords(this.#logged())} are kept`),
      ...each(strange, notPlain),
      ...each(misnamed, ({ name, path }) => {
        const right = canonical(name);
        const fix = right ? `Append it to ${right}, then remove it.` : 'Move it away.';
        return warning(`${path} is nobody's mailbox: mail in it reaches no one`, fix);
      }),
      ...each(shut, ({ path }) => problem(`${path} cannot be read and written by uid ${process.geteuid?.()}`, CHOWN)),
      ...each(ours.filter(endsInTheMiddle), ({ path, stat }) =>
        warning(
          `${path} has half a line at its end since ${stat.mtime.toISOString()}`,
          'Its writer stopped in the middle: the half is set aside in .torn when the mailbox is read.',
        ),
      ),
      ...each(ours.filter(losesItsOwner), ({ path, stat: { uid } }) =>
        warning(
          `${path} belongs to uid ${uid}, who cannot write to it any more once it has been read`,
          'Start with --group-writable, and give both users one group.',
        ),
      ),
    ];
  }

  #entry(dir: string, name: string): Entry[] {
    const path = join(dir, name);
    const stat = statIfThere(path);
    return stat ? [{ name, path, stat }] : [];
  }

  /** While a mailbox is taken, its successor has two names for a moment. */
  #hasOtherNames({ name, stat }: Entry): boolean {
    if (!isMailboxFile(name) || stat.nlink === 1) return false;
    const takes = join(this.#dir, TAKEN, name.slice(0, -MAILBOX_ENDING.length));
    return !namesIn(takes).some((take) => isSuccessor(take) && statIfThere(join(takes, take))?.ino === stat.ino);
  }

  #logged(): number {
    return this.#filesOf(DELIVERED).reduce((sum, { stat }) => sum + stat.size, 0);
  }

  /** The files of every mailbox's own directory below one of ours. */
  #filesOf(name: string): Entry[] {
    const dir = join(this.#dir, name);
    return namesIn(dir).flatMap((mailbox) => {
      const path = join(dir, mailbox);
      if (!statIfThere(path)?.isDirectory()) return [];
      return namesIn(path).flatMap((file) => this.#entry(path, file));
    });
  }

  // What somebody has left

  locks(): Finding[] {
    const locks = namesIn(join(this.#dir, LOCKS)).flatMap((name) => this.#entry(join(this.#dir, LOCKS), name));
    const old = locks.filter(({ stat }) => Date.now() - stat.mtimeMs > 2 * LOCK_STALE_MS);
    return each(old, ({ path, stat }) => {
      const what = `${path} was left by a process that is gone, at ${stat.mtime.toISOString()}`;
      if (!stat.isDirectory()) return problem(`${path} is ${kindOf(stat)}, where a lock must be made`, `rm ${path}`);
      if (namesIn(path).length > 0) return problem(`${what}, with files in it, so it stays`, `rm -r ${path}`);
      return warning(what, `It ends with the next message there; or: rmdir ${path}`);
    });
  }

  async takes(): Promise<Finding[]> {
    const dir = join(realpathSync(this.#dir), TAKEN);
    const takes = namesIn(dir)
      .flatMap((mailbox) => listTakes(join(dir, mailbox)))
      .flatMap(({ path }) => {
        const stat = statIfThere(path);
        return stat && Date.now() - Math.max(stat.mtimeMs, stat.ctimeMs) > SETTLED_MS ? [path] : [];
      });
    if (takes.length === 0) return [];
    const open = await openAmong(new Set(takes));
    return each(takes, (path) =>
      open?.has(path)
        ? warning(
            `${path} is kept because another program still has it open`,
            'Mail may come from there: end that program.',
          )
        : warning(`${path} has been on its way into the log for over a minute`, 'Start a server: it goes on with it.'),
    );
  }

  torn(): Finding[] {
    const torn = this.#filesOf(TORN);
    if (torn.length === 0) return [];
    const bytes = torn.reduce((sum, { stat }) => sum + stat.size, 0);
    const dir = join(this.#dir, TORN);
    return [
      warning(
        `${torn.length} pieces of mail that could not be shown (${sizeInWords(bytes)}) lie in ${dir}`,
        'Half lines and damaged events of other programs: look at them, then remove them.',
      ),
    ];
  }
}

const CHOWN = "Run this as the server's user, or give it the file: sudo chown";

function notPlain({ path, name, stat }: Entry): Finding {
  const what = stat.isFile() ? `${path} has ${stat.nlink} names (hard links)` : `${path} is ${kindOf(stat)}`;
  if (!isMailboxFile(name)) return warning(what, 'It is of no use here: move it away.');
  return problem(`${what}, no plain file of its own: the mailbox takes no mail`, 'Move it away.');
}

function kindOf(stat: Stats): string {
  if (stat.isFIFO()) return 'a FIFO';
  if (stat.isSymbolicLink()) return 'a symbolic link';
  if (stat.isDirectory()) return 'a directory';
  if (stat.isSocket()) return 'a socket';
  return stat.isFile() ? 'a file' : 'a device';
}

/** What a mailbox file should be called, or undefined. */
function canonical(file: string): string | undefined {
  try {
    return mailboxName(file.slice(0, -MAILBOX_ENDING.length)) + MAILBOX_ENDING;
  } catch {
    return undefined;
  }
}

function isAccessible(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch (error) {
    return !isErrno(error, 'EACCES', 'EPERM', 'EROFS');
  }
}

function endsInTheMiddle({ path, stat }: Entry): boolean {
  if (stat.size === 0 || Date.now() - stat.mtimeMs < SETTLED_MS || !isAccessible(path)) return false;
  return !/[\r\n]$/.test(withFile(path, READ, (fd) => readRange(fd, stat.size - 1, stat.size)).toString('latin1'));
}

/** A server that is not root cannot give the empty file that takes a mailbox's place to its owner. */
function losesItsOwner({ stat: { uid, mode } }: Entry): boolean {
  const us = process.geteuid?.();
  return us !== undefined && us !== 0 && uid !== us && (mode & 0o022) === 0;
}
