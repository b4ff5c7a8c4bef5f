import {
  Agent,
  createServer,
  request,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { duplexPair, type Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../words/logger.ts';
import { closed } from '../words/mailbox-error.ts';
import { OwnerSocket, SERVER_OPTIONS } from './owner-socket.ts';

/** What the owner of a directory has. */
export interface Owned {
  /** Answers requests that come in through the directory's socket. */
  readonly answerPassed: RequestListener;
  close(): Promise<void>;
}

const ASK_AGAIN_MS = 50;
const CHECK_MS = 1000;
/** What a server asks of an owner. That may be a command, which runs only for a while. */
const GIVE_WAY = '/give-way';
/** How long an owner that gave way stays away: longer than a waiting server needs to become the owner. */
const GIVE_WAY_MS = 300;

export interface OwnershipOptions {
  /** Whether this process lets one that does not give way be the owner instead. Default false. */
  readonly givesWay?: boolean;
}

/**
 * Settles which of the processes that share a data directory is its owner. Each of the others holds a connection to the
 * owner. When that ends, they settle again.
 */
export class Ownership<T extends Owned = Owned> {
  /** Connections to the owner. */
  readonly agent = new Agent({ keepAlive: true });
  /** Does not listen: it answers connections in memory. */
  readonly #here = createServer(SERVER_OPTIONS, (req, res) => void this.#answer(req, res));
  readonly #socket: OwnerSocket | undefined;
  readonly #open: () => T | Promise<T>;
  readonly #logger: Logger;
  readonly #givesWay: boolean;
  readonly #checker: NodeJS.Timeout;
  #owned: Promise<T | undefined>;
  #owner: Socket | undefined;
  #closing: Promise<void> | undefined;
  /** What this process owns now, if it is the owner. */
  current: T | undefined;

  /** `open` is called when this process becomes the owner: at once if there is no directory to share. */
  constructor(
    dir: string | undefined,
    open: () => T | Promise<T>,
    logger: Logger,
    { givesWay = false }: OwnershipOptions = {},
  ) {
    this.#socket = dir === undefined ? undefined : new OwnerSocket(dir);
    this.#open = open;
    this.#logger = logger;
    this.#givesWay = givesWay;
    this.#owned = this.#settle();
    this.#checker = setInterval(() => void this.#check(), CHECK_MS).unref();
  }

  /** A connection to this process while it is the owner. */
  connectHere(): Duplex {
    const [client, server] = duplexPair();
    client.once('close', () => server.destroy());
    server.once('close', () => client.destroy());
    this.#here.emit('connection', server);
    return client;
  }

  /** Where the owner answers HTTP, if that is another process. */
  get address(): string {
    return this.#socket?.address ?? '';
  }

  /** Resolves once it is settled who the owner is: to what this process owns, or to undefined. STORE_FAILED, CLOSED. */
  owned(): Promise<T | undefined> {
    return this.#owned;
  }

  /** Closes what this process owns, so that another one can be the owner. Closing twice is harmless. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    clearInterval(this.#checker);
    const owned = this.#owned;
    this.#owned = Promise.reject(closed());
    this.#owned.catch(() => undefined); // `owned` reports it
    await this.#leave(await owned.catch(() => undefined));
  }

  #settle(): Promise<T | undefined> {
    const owned = this.#connectOrOwn();
    owned.catch(() => undefined); // `owned` reports it
    return owned;
  }

  async #connectOrOwn(): Promise<T | undefined> {
    if (this.#socket && (await this.#hasOtherOwner(this.#socket))) return undefined;
    try {
      this.current = await this.#open();
      return this.current;
    } catch (error) {
      this.#socket?.close();
      throw error;
    }
  }

  /** False once this process has become the owner. True while closing: waiting for an owner that is stopped could take for ever. */
  async #hasOtherOwner(socket: OwnerSocket): Promise<boolean> {
    while (!this.#closing) {
      this.#owner = await socket.connect();
      this.#owner?.unref().once('close', () => {
        if (!this.#closing) this.#owned = this.#settle();
      });
      if (this.#owner && !this.#givesWay) this.#askToGiveWay();
      if (this.#owner) return true;
      if (await socket.listen((req, res) => void this.#answer(req, res))) return false;
      await pause(ASK_AGAIN_MS);
    }
    return true;
  }

  /** A request that comes too early waits. One that comes too late is cut off, and goes to the next owner. */
  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const owned = await this.#owned.catch(() => undefined);
    if (!owned) req.socket.destroy();
    else if (req.url !== GIVE_WAY) owned.answerPassed(req, res);
    else {
      res.end();
      if (this.#givesWay) this.#leaveFor(GIVE_WAY_MS);
    }
  }

  /** If the owner gives way, our connection to it ends. */
  #askToGiveWay(): void {
    const asked = request({ socketPath: this.address, agent: this.agent, method: 'POST', path: GIVE_WAY });
    asked
      .on('response', (answer) => answer.resume())
      .on('error', () => undefined)
      .end();
  }

  #leaveFor(ms: number): void {
    this.#owned = this.#leave(this.current).then(async () => {
      await pause(ms);
      return this.#connectOrOwn();
    });
    this.#owned.catch(() => undefined); // as in #settle
  }

  /** An owner that others cannot find any more gives up. If settling failed, it is tried again. */
  async #check(): Promise<void> {
    const settled = this.#owned;
    const isSettled = await settled.then(
      () => true,
      () => false,
    );
    if (this.#owned !== settled) return; // it was settled anew meanwhile
    if (!isSettled) this.#owned = this.#settle();
    else if (this.current && this.#socket?.isReached() === false) {
      this.#logger.warn({}, 'the socket of the directory is gone: another process may be the owner now');
      this.#leaveFor(0);
    }
  }

  async #leave(owned: T | undefined): Promise<void> {
    this.current = undefined;
    this.#owner?.destroy();
    await owned?.close();
    this.#socket?.close();
  }
}
