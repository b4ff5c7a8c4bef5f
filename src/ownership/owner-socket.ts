/**
 * How the processes that are given one data directory find its owner:
 *
 *     .socket          where the owner answers HTTP, for its own user alone; stays behind when the owner is gone
 *     .host            which computer the owner runs on; touched every second
 *     .locks/owner     held for the milliseconds in which a process becomes the owner
 */
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, createServer as createBareServer, type Server as BareServer, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { ifThere, makeDirectory, namesIn, statIfThere } from '../files/disk.ts';
import { HOST, LOCKS, SOCKET } from '../files/mailbox-paths.ts';
import { MailboxError, isErrno } from '../words/mailbox-error.ts';

const OWNER_LOCK = { stale: 2000, realpath: false, onCompromised: () => undefined };
/** The system takes 107 bytes; a draft's name is up to 22 longer. */
const MAX_ADDRESS_BYTES = 85;
/** Those who pass requests on are our own: they may be slow, and say much about who is asking. */
const SERVER_OPTIONS = { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0, maxHeaderSize: 1024 * 1024 };
const MAX_NAME_BYTES = 108;
const MAX_WAITING_CONNECTIONS = 4096;
const CROWDED_MS = 100;
/** An owner on another computer has touched `.host` in this time. */
const TOUCHED_MS = 3000;

interface Held {
  readonly server: Server;
  /** Has a name that Linux gives to one living process only. */
  readonly alone: BareServer;
  /** As `#identity` was when it was made. */
  readonly identity: string;
}

export class OwnerSocket {
  readonly #dir: string;
  #held: Held | undefined;
  #fd: number | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The address of the owner's socket, short enough for the system. */
  get address(): string {
    return this.#addressOf(SOCKET);
  }

  /** Connects to the owner; undefined when there is none. STORE_FAILED when this process may not, or cannot. */
  async connect(): Promise<Socket | undefined> {
    this.#refuseStrangers();
    try {
      const socket = connect(this.address);
      await once(socket, 'connect');
      return socket.on('error', () => undefined); // it closes then, too
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ECONNREFUSED', 'ECONNRESET')) return undefined;
      if (!isErrno(error, 'EAGAIN')) throw this.#unusable(error);
      await pause(CROWDED_MS); // an owner that is stopped, and has a full queue
      return this.connect();
    }
  }

  /** Becomes the owner, who answers with `listener`. False when another process is, or was quicker. */
  async listen(listener: RequestListener): Promise<boolean> {
    await this.#refuseOtherHosts();
    const release = await this.#lock();
    if (!release) return false;
    try {
      const other = await this.connect();
      other?.destroy();
      if (!other) this.#held = await this.#listen(listener);
      return this.#held !== undefined;
    } finally {
      await release().catch(() => undefined); // lost meanwhile: whoever has it finds our socket
    }
  }

  /** Whether other processes still find the owner here: the socket may have been removed, or the directory moved. */
  isReached(): boolean {
    const isOurs = this.#held !== undefined && this.#identity() === this.#held.identity;
    if (isOurs) ifThere(() => fs.utimesSync(join(this.#dir, HOST), new Date(), new Date()));
    return isOurs;
  }

  /** Lets the next owner in. The files stay: by then they may be its own. */
  close(): void {
    this.#held?.server.close();
    this.#held?.server.closeAllConnections();
    this.#held?.alone.close();
    this.#held = undefined;
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#fd = undefined;
  }

  async #listen(listener: RequestListener): Promise<Held | undefined> {
    const alone = await this.#holdName();
    if (!alone) return undefined;
    const draft = `${SOCKET}-${process.pid}-${Date.now()}`;
    const server = createServer(SERVER_OPTIONS, listener);
    try {
      // Node removes the name it listened on when it closes: under `.socket`, that could be another owner's by then.
      await listening(server, this.#addressOf(draft));
      fs.chmodSync(join(this.#dir, draft), 0o600);
      this.#sayHost();
      fs.renameSync(join(this.#dir, draft), join(this.#dir, SOCKET));
      this.#removeLocks();
      return { server, alone, identity: this.#identity() };
    } catch (error) {
      server.close(); // else it would be found to be the owner, by this process, too
      server.closeAllConnections();
      alone.close();
      fs.rmSync(join(this.#dir, draft), { force: true });
      throw this.#unusable(error);
    }
  }

  #sayHost(): void {
    try {
      fs.writeFileSync(join(this.#dir, HOST), thisHost(), { mode: 0o600 });
    } catch (error) {
      if (!isErrno(error, 'ENOSPC', 'EDQUOT')) throw error; // on a full disk, mail can still be read
    }
  }

  async #lock(): Promise<(() => Promise<void>) | undefined> {
    makeDirectory(join(this.#dir, LOCKS));
    try {
      return await lock(this.#dir, { ...OWNER_LOCK, lockfilePath: join(this.#dir, LOCKS, 'owner') });
    } catch (error) {
      if (isErrno(error, 'ELOCKED', 'ENOENT', 'EEXIST')) return undefined;
      throw error;
    }
  }

  /** An owner that was killed leaves them behind. Each would hold up its mailbox until it is stale, and no other. */
  #removeLocks(): void {
    try {
      const locks = namesIn(join(this.#dir, LOCKS)).filter((name) => name.endsWith('.lock'));
      for (const name of locks) fs.rmSync(join(this.#dir, LOCKS, name), { recursive: true, force: true });
    } catch {
      // Whoever needs a mailbox waits for its lock.
    }
  }

  /** A process that is stopped keeps its name, whatever happens to the files. Undefined when another one has it. */
  async #holdName(): Promise<BareServer | undefined> {
    const server = createBareServer((socket) => socket.destroy()).unref();
    if (process.platform !== 'linux') return server;
    const { dev, ino } = fs.statSync(this.#dir);
    try {
      await listening(server, `\0mailbox-chat:${dev}:${ino}`.padEnd(MAX_NAME_BYTES, '\0')); // as older Node does
      return server;
    } catch (error) {
      if (isErrno(error, 'EADDRINUSE')) return undefined;
      throw this.#unusable(error);
    }
  }

  /** A socket that somebody else made could be a trap. */
  #refuseStrangers(): void {
    const uid = statIfThere(join(this.#dir, SOCKET))?.uid;
    if (uid === undefined || [process.geteuid?.(), fs.statSync(this.#dir).uid, 0].includes(uid)) return;
    throw this.#unusable(`${SOCKET} in it belongs to uid ${uid}. Remove it if nobody needs it`);
  }

  /** A socket is not reached from another computer: that its owner lives shows in the file that it touches. */
  async #refuseOtherHosts(): Promise<void> {
    const path = join(this.#dir, HOST);
    const touchedMs = statIfThere(path)?.mtimeMs;
    const host = touchedMs === undefined ? '' : fs.readFileSync(path, 'utf8');
    if (host === '' || host === thisHost()) return; // empty: it is being written
    await pause(TOUCHED_MS);
    if (statIfThere(path)?.mtimeMs !== touchedMs) throw this.#unusable('a server on another computer uses it');
  }

  /** With its time of birth: a new file may get the number of one that was just removed. */
  #identity(): string {
    const { ino, birthtimeMs } = statIfThere(join(this.#dir, SOCKET)) ?? {};
    return `${ino} ${birthtimeMs}`;
  }

  #addressOf(name: string): string {
    const isShort = Buffer.byteLength(join(this.#dir, SOCKET)) <= MAX_ADDRESS_BYTES;
    if (isShort || process.platform !== 'linux') return join(this.#dir, name);
    this.#fd ??= fs.openSync(this.#dir, fs.constants.O_DIRECTORY);
    return `/proc/self/fd/${this.#fd}/${name}`;
  }

  #unusable(cause: unknown): MailboxError {
    const why = cause instanceof Error ? cause.message : String(cause);
    const advice = 'Choose one on a local file system that belongs to the user who runs the server.';
    return new MailboxError('STORE_FAILED', `Can't use ${this.#dir}: ${why}. ${advice}`, { cause });
  }
}

/** The same for all containers of a computer; another one after it was started again. */
function thisHost(): string {
  return process.platform === 'linux' ? fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8') : hostname();
}

/** `exclusive`: in node:cluster the primary process would listen instead, for all. */
async function listening(server: BareServer, path: string): Promise<void> {
  await once(server.listen({ path, exclusive: true, backlog: MAX_WAITING_CONNECTIONS }), 'listening');
}
