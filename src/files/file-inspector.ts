import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { isErrno } from '../mailbox-error.ts';
import { mailboxName, type MailboxName } from '../mailbox-name.ts';
import type { FileView, Inspection, Inspector, Piece } from '../inspector.ts';
import { READ, namesIn, readRange, sizeOf, statIfThere, withFile } from './disk.ts';
import { logPieces, loggedTakes, mailPieces, tornPieces } from './file-pieces.ts';
import type { LiveDirectory } from './live-directory.ts';
import { LogSegments } from './log-segments.ts';
import { DELIVERED, MAILBOX_ENDING, MailboxPaths } from './mailbox-paths.ts';
import { Marks } from './marks.ts';
import { listTakes } from './takes.ts';

const MAX_MAILBOXES = 1000;
const MAX_TAKES = 3;
const MAX_TORN = 3;
/** A segment that has just begun says little: the one before is shown with it. */
const SHORT_SEGMENT_BYTES = 4 * 1024;
const MAX_SEGMENT_BYTES = 8 * 1024 * 1024;
const MAX_REMEMBERED = 100;

/** Looks at mailbox files from outside, as `cat` would: it shares nothing with those who append and drain. */
export class FileInspector implements Inspector {
  readonly #dir: string;
  readonly #live: LiveDirectory;
  /** What was made of a file, as long as it is the same. */
  readonly #known = new Map<string, { version: string; made: unknown }>();

  constructor(dir: string, live: LiveDirectory) {
    this.#dir = dir;
    this.#live = live;
  }

  mailboxes(): string[] {
    const files = namesIn(this.#dir).flatMap((name) =>
      name.endsWith(MAILBOX_ENDING) ? [name.slice(0, -MAILBOX_ENDING.length)] : [],
    );
    const names = new Set([...files, ...namesIn(join(this.#dir, DELIVERED))].filter(isName));
    return [...names].toSorted((a, b) => (a < b ? -1 : 1)).slice(0, MAX_MAILBOXES);
  }

  look(mailbox: MailboxName): Inspection {
    const paths = new MailboxPaths(this.#dir, mailbox);
    const now = Date.now();
    const mail = (fd: number, size: number): Piece[] => mailPieces(fd, size, now);
    // Against the way of the mail: what moves on meanwhile is seen twice rather than not at all.
    const log = this.#log(paths);
    const takes = listTakes(paths.takes).slice(-MAX_TAKES);
    const logged = takes.length > 0 ? this.#logged(paths) : new Map<string, number>();
    const taken = takes.flatMap(({ id, path }) => {
      const view = this.#view(path, mail);
      return view ? [{ ...view, logged: Math.min(view.size, logged.get(id) ?? 0) }] : [];
    });
    return {
      mailbox,
      file: this.#view(paths.file, mail) ?? null,
      takes: taken,
      log,
      torn: this.#torn(paths),
      marks: new Marks(paths.marks).read(),
      servers: this.#live.others(mailbox),
    };
  }

  #log(paths: MailboxPaths): FileView[] {
    const segments = new LogSegments(paths);
    const [newest, before] = segments.list().slice(-2).toReversed();
    if (newest === undefined) return [];
    const isShort = segments.size(newest) < SHORT_SEGMENT_BYTES;
    const names = isShort && before !== undefined ? [before, newest] : [newest];
    return names.flatMap((name) => this.#view(segments.path(name), logPieces) ?? []);
  }

  #logged(paths: MailboxPaths): Map<string, number> {
    const logged = new Map<string, number>();
    const segments = new LogSegments(paths);
    for (const name of segments.list().slice(-2)) {
      const path = segments.path(name);
      const inSegment = this.#once(path, 'takes', (fd) =>
        loggedTakes(readRange(fd, 0, Math.min(sizeOf(fd), MAX_SEGMENT_BYTES))),
      );
      for (const [take, to] of inSegment ?? []) logged.set(take, Math.max(logged.get(take) ?? 0, to));
    }
    return logged;
  }

  #torn({ torn }: MailboxPaths): FileView[] {
    const files = namesIn(torn).flatMap((name) => {
      const path = join(torn, name);
      const stat = statIfThere(path);
      return stat?.isFile() ? [{ path, time: stat.mtimeMs }] : [];
    });
    const newest = files.toSorted((a, b) => a.time - b.time).slice(-MAX_TORN);
    return newest.flatMap(({ path }) => this.#view(path, tornPieces) ?? []);
  }

  #view(path: string, cut: (fd: number, size: number) => Piece[]): FileView | undefined {
    const stat = statIfThere(path);
    if (!stat) return undefined;
    const known = { path: path.slice(this.#dir.length + 1), size: stat.size, ino: String(stat.ino) };
    // A second name could be somebody else's file: the mailbox is left alone then, too.
    if (!stat.isFile() || stat.nlink > 1) return { ...known, size: 0, pieces: [], problem: 'notPlain' };
    try {
      return this.#once(path, 'view', (fd) => {
        const size = sizeOf(fd);
        return { ...known, size, pieces: cut(fd, size) };
      });
    } catch (error) {
      if (!isErrno(error, 'EACCES', 'EPERM', 'ELOOP', 'ENXIO')) throw error;
      return { ...known, pieces: [], problem: 'unreadable' };
    }
  }

  /** Opens a file only when it has changed since; undefined when it is gone. */
  #once<T>(path: string, what: string, make: (fd: number) => T): T | undefined {
    const stat = statIfThere(path);
    if (!stat) return undefined;
    const key = `${what} ${path}`;
    const version = versionOf(stat);
    const known = this.#known.get(key);
    if (known?.version === version) return known.made as T;
    const made = readIfThere(path, make);
    this.#known.delete(key);
    this.#known.set(key, { version, made });
    if (this.#known.size > MAX_REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
    return made;
  }
}

function versionOf({ ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}

function readIfThere<T>(path: string, work: (fd: number) => T): T | undefined {
  try {
    return withFile(path, READ, work);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isName(text: string): boolean {
  try {
    return mailboxName(text) === text;
  } catch {
    return false;
  }
}
