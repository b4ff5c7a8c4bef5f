import { fstatSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { isErrno } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { FileView, Inspection, Inspector } from '../words/inspector.ts';
import { isNew, piecesIn } from './pieces.ts';
import { READ, ifThere, namesIn, statIfThere, withFile } from './disk.ts';
import { compareIds, laterId } from './event-id.ts';
import { spansAtEnd } from './file-spans.ts';
import { Floor } from './floor.ts';
import { LogFile } from './log-file.ts';
import { MailboxPaths, mailboxesIn } from './mailbox-paths.ts';
import { Marks } from './marks.ts';

const MAX_MAILBOXES = 1000;
const MAX_FILES = 3;
const MAX_REMEMBERED = 100;

/** Shows mailbox files from outside, as `cat` would. It shares no state with appends and drains. */
export class FileInspector implements Inspector {
  readonly #dir: string;
  readonly #isAllowed: (stat: Stats) => boolean;
  /** What was found in each version of a file. */
  readonly #known = new Map<string, FileView | undefined>();

  /** `isAllowed`: whether a plain file may be a mailbox. */
  constructor(dir: string, isAllowed: (stat: Stats) => boolean) {
    this.#dir = dir;
    this.#isAllowed = isAllowed;
  }

  mailboxes(): string[] {
    return mailboxesIn(this.#dir).slice(0, MAX_MAILBOXES);
  }

  look(mailbox: MailboxName): Inspection {
    const paths = new MailboxPaths(this.#dir, mailbox);
    // In the reverse order of the mail's way, so that mail that moves on meanwhile is seen twice rather than not at all.
    const log = piecesIn(paths.delivered);
    const taken = piecesIn(paths.taken);
    const ends = [...log, ...taken].flatMap(({ end }) => end ?? []);
    const last = ends.reduce(laterId, new Floor(this.#dir).id);
    const newest = namesIn(paths.taken)
      .filter(isNew)
      .toSorted()
      .map((name) => new LogFile(join(paths.taken, name), last));
    return {
      mailbox,
      file: this.#view(mailbox, new LogFile(paths.file, last)) ?? null,
      takes: this.#views(mailbox, [...taken, ...newest]),
      log: this.#views(mailbox, log),
      marks: new Marks(paths.marks, () => undefined).all,
    };
  }

  #views(mailbox: MailboxName, files: readonly LogFile[]): FileView[] {
    const sorted = files.toSorted((a, b) => compareIds(a.start, b.start));
    return sorted.slice(-MAX_FILES).flatMap((file) => this.#view(mailbox, file) ?? []);
  }

  #view(mailbox: MailboxName, file: LogFile): FileView | undefined {
    const { path, first } = file;
    const stat = statIfThere(path);
    if (!stat) return undefined;
    const known = { path: path.slice(this.#dir.length + 1), size: stat.size, ino: String(stat.ino) };
    if (!stat.isFile()) return { ...known, size: 0, pieces: [], problem: 'notPlain' };
    const version = [path, first.start, stat.ino, stat.size, stat.mtimeMs, stat.ctimeMs].join(' ');
    if (!this.#known.has(version)) {
      if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
      this.#known.set(version, this.#read(mailbox, file, known));
    }
    return this.#known.get(version);
  }

  #read(mailbox: MailboxName, { path, first }: LogFile, known: Omit<FileView, 'pieces'>): FileView | undefined {
    try {
      return ifThere(() =>
        withFile(path, READ, (fd) => {
          const stat = fstatSync(fd);
          if (!this.#isAllowed(stat)) return { ...known, pieces: [], problem: 'unreadable' };
          const { size } = stat;
          return { ...known, size, pieces: spansAtEnd(mailbox, fd, size, first) };
        }),
      );
    } catch (error) {
      if (!isErrno(error, 'EACCES', 'EPERM', 'ELOOP', 'ENXIO')) throw error;
      return { ...known, pieces: [], problem: 'unreadable' };
    }
  }
}
