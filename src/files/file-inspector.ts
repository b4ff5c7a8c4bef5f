import { join } from 'node:path';
import { isErrno } from '../mailbox-error.ts';
import type { MailboxName } from '../mailbox-name.ts';
import type { FileView, Inspection, Inspector, Piece } from '../inspector.ts';
import { READ, ifThere, namesIn, readRange, sizeOf, statIfThere, withFile } from './disk.ts';
import { logPieces, mailPieces, tornPieces } from './file-pieces.ts';
import type { TakeRange } from './log-batch.ts';
import { LogSegments, batchesIn } from './log-segments.ts';
import { MailboxPaths, mailboxesIn } from './mailbox-paths.ts';
import { Marks } from './marks.ts';
import { listTakes } from './takes.ts';

const MAX_MAILBOXES = 1000;
const MAX_TAKES = 3;
const MAX_TORN = 3;
/** A segment that has just begun says little: the one before is shown with it. */
const SHORT_SEGMENT_BYTES = 4 * 1024;
const MAX_REMEMBERED = 100;

/** Looks at mailbox files from outside, as `cat` would: it shares nothing with those who append and drain. */
export class FileInspector implements Inspector {
  readonly #dir: string;
  /** The result of reading each file, with its version: a log may be a mebibyte. */
  readonly #known = new Map<string, unknown>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  mailboxes(): string[] {
    return mailboxesIn(this.#dir).slice(0, MAX_MAILBOXES);
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
    };
  }

  #log(paths: MailboxPaths): FileView[] {
    const segments = new LogSegments(paths);
    const names = segments.list().slice(-2);
    const views = names.flatMap((name) => this.#view(segments.path(name), logPieces) ?? []);
    return (views.at(-1)?.size ?? 0) < SHORT_SEGMENT_BYTES ? views : views.slice(-1);
  }

  /** How far each take is logged. The first batch of a segment repeats what those before it say. */
  #logged(paths: MailboxPaths): Map<string, number> {
    const segments = new LogSegments(paths);
    const rangesIn = (fd: number): TakeRange[] =>
      [...batchesIn(readRange(fd, 0, sizeOf(fd)), 0)].flatMap(({ batch }) => batch.ranges);
    const newest = segments.list().slice(-2);
    const ranges = newest.flatMap((name) => this.#once(segments.path(name), 'takes', rangesIn) ?? []);
    return new Map(ranges.map(({ take, to }) => [take, to]));
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
    const version = [what, path, stat.ino, stat.size, stat.mtimeMs, stat.ctimeMs].join(' ');
    if (!this.#known.has(version)) {
      if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
      this.#known.set(
        version,
        ifThere(() => withFile(path, READ, make)),
      );
    }
    return this.#known.get(version) as T | undefined;
  }
}
