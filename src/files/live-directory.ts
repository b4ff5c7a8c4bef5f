/**
 * What running processes tell each other, in `.live/`: each appends lines of JSON to a file of its own, and reads the
 * others'. Nothing here is synced or kept: now and then each begins a new file, and one that was not touched for 15 s is
 * of a process that is gone, whatever the time of day does meanwhile.
 *
 *     {"on":"henry"}                                     henry's page is open here
 *     {"off":"henry","at":1763600000000}
 *     {"grew":"henry"}                                   henry's log has grown
 *     {"to":"henry","name":"typing","data":"{…}"}        a notice for open pages
 */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, rmSync, utimesSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import { LocalLive, splitPlace, whoOf, type Notice } from '../live.ts';
import type { Logger } from '../logger.ts';
import { READ, makeDirectory, namesIn, readRange, sizeOf, statIfThere, withFile } from './disk.ts';

const TOUCH_MS = 5000;
const RENEW_MS = 60_000;
/** Everybody has heard by then: they look once a second. */
const QUIET_MS = 3000;
const GONE_MS = 15_000;
const LOOK_AGAIN_MS = 5;
const MAX_BYTES = 1024 * 1024;
const ENDING = '.jsonl';

interface Peer {
  /** When its file was touched, by that file, … */
  touched: number;
  /** … and when that was news to us, in ms of a clock that only rises. */
  heardMs: number;
  readTo: number;
  rest: string;
}

export interface LiveDirectoryOptions {
  readonly logger: Logger;
  readonly watch: boolean;
  /** A mailbox's log has grown in another process. */
  readonly onGrown: (mailbox: string) => void;
}

/** Live notices between all processes that serve one directory. */
export class LiveDirectory extends LocalLive {
  readonly #dir: string;
  readonly #options: LiveDirectoryOptions;
  readonly #peers = new Map<string, Peer>();
  #watcher: FSWatcher | undefined;
  #name = '';
  #fd: number | undefined;
  #written = 0;
  #touchedMs = 0;
  #startedMs = 0;
  #saidMs = 0;
  #soon: NodeJS.Timeout | undefined;
  #closed = false;
  /** How many there were so far. */
  watchErrors = 0;

  constructor(dir: string, options: LiveDirectoryOptions) {
    super();
    this.#dir = dir;
    this.#options = options;
    makeDirectory(dir);
    this.#look();
    if (options.watch) {
      this.#watcher = watch(dir, { depth: 0, ignoreInitial: true, atomic: false });
      this.#watcher.on('all', () => this.#lookSoon());
      this.#watcher.on('raw', () => this.#lookSoon());
      this.#watcher.on('error', (error) => {
        this.watchErrors += 1;
        options.logger.debug({ err: error }, 'other servers are asked once a second');
      });
    }
  }

  override publish(notice: Notice): void {
    super.publish(notice);
    if (this.#peers.size > 0) this.#say(notice);
  }

  /** Tells the others that a mailbox's log has more. */
  grew(mailbox: string): void {
    if (this.#peers.size > 0) this.#say({ grew: mailbox });
  }

  /** To be called every second or so: keeps this process known and finds out who is gone. */
  tick(): void {
    const nowMs = performance.now();
    if (this.#fd !== undefined) {
      const isOld = nowMs - this.#startedMs >= RENEW_MS && this.#saidMs >= this.#startedMs;
      // What was said of people who are not here any more ends with the file: nothing is left of who was forgotten.
      if (isOld && nowMs - this.#saidMs >= QUIET_MS) this.#tell(() => this.#startFile());
      if (nowMs - this.#touchedMs >= TOUCH_MS) this.#touch();
    }
    this.#look();
  }

  /** The other servers, and whom they have a page of open: this person's own, or of anybody in this room. */
  others(personOrRoom: string): { pid: number; here: string[] }[] {
    return Array.from(this.#peers.keys(), (name) => {
      const places = this.placesOn(name).filter((where) => whoOf(where) === personOrRoom);
      return { pid: Number.parseInt(name, 10), here: places.map((where) => splitPlace(where)[1]) };
    });
  }

  override close(): void {
    if (this.#closed) return;
    this.#closed = true;
    super.close();
    clearTimeout(this.#soon);
    void this.#watcher?.close();
    this.#drop();
  }

  protected override moved(where: string, how: { readonly online: boolean }): void {
    super.moved(where, how);
    this.#say(how.online ? { on: where } : { off: where, at: Date.now() });
  }

  #say(line: object): void {
    if (this.#closed) return;
    this.#tell(() => {
      if (this.#fd === undefined || this.#written > MAX_BYTES) this.#startFile();
      this.#saidMs = performance.now();
      this.#written += writeSync(this.#fd!, `${JSON.stringify(line)}\n`);
    });
  }

  /** A full disk must not stop the chat: the others find the mail a little later, presence not at all. */
  #tell(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#options.logger.debug({ err: error }, 'other servers could not be told');
    }
  }

  /** A new file begins with who is here. */
  #startFile(): void {
    const here = this.placesOn();
    this.#drop();
    makeDirectory(this.#dir);
    this.#name = `${process.pid}-${randomBytes(6).toString('hex')}${ENDING}`;
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL;
    this.#fd = openSync(join(this.#dir, this.#name), flags, 0o600);
    this.#touchedMs = performance.now();
    this.#startedMs = this.#touchedMs;
    this.#written = writeSync(this.#fd, here.map((where) => `${JSON.stringify({ on: where })}\n`).join('') || '\n');
  }

  #touch(): void {
    this.#touchedMs = performance.now();
    const now = Date.now() / 1000;
    try {
      utimesSync(join(this.#dir, this.#name), now, now);
    } catch {
      this.#tell(() => this.#startFile()); // removed by hand, or by who took us for gone while we were stopped
    }
  }

  #drop(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
    rmSync(join(this.#dir, this.#name), { force: true });
  }

  /** One look serves a burst of hints. */
  #lookSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#look();
    }, LOOK_AGAIN_MS).unref();
  }

  #look(): void {
    if (this.#closed) return;
    try {
      this.#lookAtPeers();
    } catch (error) {
      // A file may go between two calls; the next look is near.
      this.#options.logger.debug({ err: error }, 'another server could not be heard');
    }
  }

  #lookAtPeers(): void {
    const alive = new Set<string>();
    for (const name of namesIn(this.#dir)) {
      if (!name.endsWith(ENDING) || name === this.#name) continue;
      const path = join(this.#dir, name);
      const stat = statIfThere(path);
      if (!stat?.isFile()) continue;
      const peer = this.#meet(name, stat.mtimeMs);
      if (peer === undefined) {
        rmSync(path, { force: true });
        continue;
      }
      alive.add(name);
      this.#readPeer(name, peer, path, stat.size);
    }
    for (const name of this.#peers.keys()) {
      if (alive.has(name)) continue;
      this.#peers.delete(name);
      this.lost(name);
    }
  }

  /** The one whose file was touched then, unless it is gone. Only of a stranger the time of day is all that tells. */
  #meet(name: string, touched: number): Peer | undefined {
    const nowMs = performance.now();
    const known = this.#peers.get(name);
    if (known) {
      if (touched !== known.touched) Object.assign(known, { touched, heardMs: nowMs });
      return nowMs - known.heardMs > GONE_MS ? undefined : known;
    }
    if (Date.now() - touched > GONE_MS) return undefined;
    const peer = { touched, heardMs: nowMs, readTo: 0, rest: '' };
    this.#peers.set(name, peer);
    // Whoever is new must know who is here.
    if (this.#fd === undefined) this.#startFile();
    return peer;
  }

  #readPeer(name: string, peer: Peer, path: string, size: number): void {
    if (size <= peer.readTo) return;
    const isNews = peer.readTo > 0;
    const bytes = withFile(path, READ, (fd) => readRange(fd, peer.readTo, sizeOf(fd)));
    peer.readTo += bytes.length;
    const lines = (peer.rest + bytes.toString('utf8')).split('\n');
    peer.rest = lines.pop()!;
    for (const line of lines) if (line !== '') this.#take(name, line, isNews);
  }

  #take(peer: string, text: string, isNews: boolean): void {
    let line: Record<string, unknown>;
    try {
      line = Object(JSON.parse(text)) as Record<string, unknown>;
    } catch {
      return; // not ours
    }
    const { on, off, at, grew, to, name, data } = line;
    if (typeof on === 'string') {
      this.came(peer, on);
    } else if (typeof off === 'string') {
      this.left(peer, off, typeof at === 'number' ? at : Date.now());
    } else if (typeof grew === 'string') {
      this.#options.onGrown(grew);
    } else if (isNews && typeof to === 'string' && typeof name === 'string' && typeof data === 'string') {
      this.hear({ to, name, data });
    }
  }
}
