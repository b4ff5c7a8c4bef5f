/**
 * How the processes that share a data directory find its owner:
 *
 *     .owner/socket    where the owner answers HTTP, only for its own user; remains when the owner is gone
 *     .owner/host      the computer that the owner runs on; touched every second
 *     .owner/lock      held for the milliseconds in which a process becomes the owner
 *
 * Nobody else may write to `.owner`, so everything in it is ours.
 */
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, createServer as createBareServer, type Server as BareServer, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { namesIn, statIfThere } from '../files/disk.ts';
import { LOCKS, OWNER } from '../files/mailbox-paths.ts';
import { checkPrivateDirectory, isTrusted, makePrivateDirectory } from '../files/private-directories.ts';
import { MailboxError, isErrno } from '../words/mailbox-error.ts';

const SOCKET = `${OWNER}/socket`;
const HOST = `${OWNER}/host`;
const OWNER_LOCK = { stale: 2000, realpath: false, onCompromised: () => undefined };
/** The system allows 107 bytes, and the name of a draft is up to 22 bytes longer. */
const MAX_ADDRESS_BYTES = 85;
/** Only processes of ours connect here. They may be slow, and their headers long. */
export const SERVER_OPTIONS = { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0, maxHeaderSize: 1024 * 1024 };
const MAX_NAME_BYTES = 108;
const MAX_WAITING_CONNECTIONS = 4096;
/** How long to wait if the queue of connections is full. */
const CROWDED_MS = 100;
/** A living owner on another computer touches `.host` within this time. */
const TOUCHED_MS = 3000;

interface Held {
  readonly server: Server;
  /** Listens on an abstract address, which Linux gives to one living process only. */
  readonly claim: BareServer;
  /** What `#identity` returned when the socket was made. */
  readonly identity: string;
}

/** The socket of a data directory: connects to the owner, or makes this process the owner. */
export class OwnerSocket {
  readonly #dir: string;
  #held: Held | undefined;
  #fd: number | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The path of the owner's socket, short enough for the system. STORE_FAILED if it may be somebody else's. */
  get address(): string {
    this.#refuseStrangers();
    return this.#addressOf(SOCKET);
  }

  /** Connects to the owner. Undefined if there is none. STORE_FAILED if this process may not, or cannot, use the directory. */
  async connect(): Promise<Socket | undefined> {
    const { address } = this;
    try {
      const socket = connect(address);
      await once(socket, 'connect');
      return socket.on('error', () => undefined); // 'close' follows
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ECONNREFUSED', 'ECONNRESET')) return undefined;
      if (!isErrno(error, 'EAGAIN')) throw this.#unusable(error);
      await pause(CROWDED_MS); // the owner is stopped, and its queue is full
      return this.connect();
    }
  }

  /** Becomes the owner, and answers requests with `listener`. False if another process is the owner, or was faster. */
  async listen(listener: RequestListener): Promise<boolean> {
    makePrivateDirectory(join(this.#dir, OWNER), this.#dir);
    await this.#refuseOtherHosts();
    const release = await this.#lock();
    if (!release) return false;
    try {
      const other = await this.connect();
      other?.destroy();
      if (!other) this.#held = await this.#listen(listener);
      return this.#held !== undefined;
    } finally {
      await release().catch(() => undefined); // if the lock was lost, its new holder finds our socket
    }
  }

  /** Whether other processes still find this owner. Somebody may have removed the socket, or moved the directory. */
  isReached(): boolean {
    const isOurs = this.#held !== undefined && this.#identity() === this.#held.identity;
    if (isOurs) this.#touchHost();
    return isOurs;
  }

  #touchHost(): void {
    try {
      fs.utimesSync(join(this.#dir, HOST), new Date(), new Date());
    } catch {
      // Somebody has removed it, or the disk can only be read: the socket still works.
    }
  }

  /** Makes way for the next owner. The files stay, since they may already be those of the next owner. */
  close(): void {
    this.#held?.server.close();
    this.#held?.server.closeAllConnections();
    this.#held?.claim.close();
    this.#held = undefined;
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#fd = undefined;
  }

  async #listen(listener: RequestListener): Promise<Held | undefined> {
    const claim = await this.#claim();
    if (!claim) return undefined;
    const draft = `${SOCKET}-${process.pid}-${Date.now()}`;
    const server = createServer(SERVER_OPTIONS, listener);
    try {
      // When a server closes, Node removes the path that it listened on. By then, `.socket` could be another owner's.
      await listening(server, this.#addressOf(draft));
      fs.chmodSync(join(this.#dir, draft), 0o600);
      this.#writeHost();
      fs.renameSync(join(this.#dir, draft), join(this.#dir, SOCKET));
      this.#removeLocks();
      return { server, claim, identity: this.#identity() };
    } catch (error) {
      server.close(); // otherwise it would still count as the owner, even for this process
      server.closeAllConnections();
      claim.close();
      fs.rmSync(join(this.#dir, draft), { force: true });
      throw this.#unusable(error);
    }
  }

  #writeHost(): void {
    try {
      fs.writeFileSync(join(this.#dir, HOST), thisHost(), { mode: 0o600 });
    } catch (error) {
      if (!isErrno(error, 'ENOSPC', 'EDQUOT')) throw error; // even on a full disk, mail can be read
    }
  }

  async #lock(): Promise<(() => Promise<void>) | undefined> {
    try {
      return await lock(this.#dir, { ...OWNER_LOCK, lockfilePath: join(this.#dir, OWNER, 'lock') });
    } catch (error) {
      if (isErrno(error, 'ELOCKED', 'ENOENT', 'EEXIST')) return undefined;
      throw error;
    }
  }

  /** Removes the locks of an owner that was killed: each would hold up its mailbox until it is stale. */
  #removeLocks(): void {
    try {
      const locks = namesIn(join(this.#dir, LOCKS)).filter((name) => name.endsWith('.lock'));
      for (const name of locks) fs.rmSync(join(this.#dir, LOCKS, name), { recursive: true, force: true });
    } catch {
      // They grow stale on their own.
    }
  }

  /** Claims the directory with an abstract address: a stopped process keeps it, whatever happens to the files. Undefined if another process has it. */
  async #claim(): Promise<BareServer | undefined> {
    const server = createBareServer((socket) => socket.destroy()).unref();
    if (process.platform !== 'linux') return server;
    const { dev, ino } = fs.statSync(this.#dir);
    try {
      await listening(server, `\0mailbox-chat:${dev}:${ino}`.padEnd(MAX_NAME_BYTES, '\0')); // as older versions of Node do
      return server;
    } catch (error) {
      if (isErrno(error, 'EADDRINUSE')) return undefined;
      throw this.#unusable(error);
    }
  }

  /** Another user's socket could be a trap. */
  #refuseStrangers(): void {
    checkPrivateDirectory(join(this.#dir, OWNER), this.#dir);
    const stat = statIfThere(join(this.#dir, SOCKET));
    if (!stat || isTrusted(stat, this.#dir)) return;
    throw this.#unusable(`its ${SOCKET} belongs to uid ${stat.uid}. Remove that if nobody needs it`);
  }

  /** A socket cannot be reached from another computer. That its owner is alive shows in the file that it touches. */
  async #refuseOtherHosts(): Promise<void> {
    const path = join(this.#dir, HOST);
    const touchedMs = statIfThere(path)?.mtimeMs;
    const host = touchedMs === undefined ? '' : fs.readFileSync(path, 'utf8');
    if (host === '' || host === thisHost()) return; // an empty file is just being written
    await pause(TOUCHED_MS);
    if (statIfThere(path)?.mtimeMs !== touchedMs) throw this.#unusable('a server on another computer uses it');
  }

  /** Tells the socket from a later one. Has the time of birth, since a new file may get the inode number of a removed one. */
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

/** The same in all containers of a computer. Changes when the computer is restarted. */
function thisHost(): string {
  return process.platform === 'linux' ? fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8') : hostname();
}

/** `exclusive`: with node:cluster, the primary process would otherwise listen for all. */
async function listening(server: BareServer, path: string): Promise<void> {
  await once(server.listen({ path, exclusive: true, backlog: MAX_WAITING_CONNECTIONS }), 'listening');
}
