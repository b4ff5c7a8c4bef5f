import { appendFileSync, closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { Follower, type FollowerOptions } from './follower.ts';
import { FOREIGN, Ledger, isClean, type Verdict } from './ledger.ts';
import { Sender } from './sender.ts';
import { ServerProcess, freePort, type ServerOptions } from './server-process.ts';
import { COUNTABLE } from './strace.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import { leftovers, replay, shorten } from './world.ts';
import { removeDirectory, makeDirectory } from '../../support/make-directory.ts';

export const ALICE = 'alice';

export interface Judgement {
  readonly lost: number;
  readonly twice: number;
  readonly reordered: number;
  readonly strange: number;
  /** What was wrong in what was shown, shortened. */
  readonly bad: readonly object[];
  /** Gaps, refused cursors, locks left, a mailbox that is not empty, an exit other than 0. */
  readonly complaints: readonly string[];
}

export const ALL_WELL = { lost: 0, twice: 0, reordered: 0, strange: 0, bad: [], complaints: [] };

/** A server with alice's mailbox, one sender and later one follower. */
export class Scene {
  readonly dir: string;
  readonly ledger: Ledger;
  readonly sender: Sender;
  follower: Follower | undefined;
  server!: ServerProcess;
  /** Another process on the directory. `front` is the same one if people connect to it. */
  companion: ServerProcess | undefined;
  front: ServerProcess | undefined;
  port = 0;
  readonly #options: Partial<ServerOptions>;
  #via: readonly string[] = [];
  #foreign = 0;
  #held: number | undefined;
  #sending: Promise<void> = Promise.resolve();

  /** `ledger`: what is already in the directory. */
  constructor(options: Partial<ServerOptions> = {}, ledger = new Ledger()) {
    this.ledger = ledger;
    this.dir = options.dir ?? makeDirectory();
    this.#options = options;
    this.sender = new Sender({ name: 'bob', receiver: ALICE, ledger: this.ledger, port: () => this.clientPort });
  }

  static async open(options: Partial<ServerOptions> = {}): Promise<Scene> {
    const scene = new Scene(options);
    await scene.start();
    return scene;
  }

  /** The port at which people send and listen. */
  get clientPort(): number {
    return this.front?.port ?? this.port;
  }

  /** `via`: the command that runs the server, kept for restarts. */
  async start(more: Partial<ServerOptions> = {}, via = this.#via): Promise<void> {
    this.#via = via;
    this.port ||= await freePort();
    const options = { ...this.#options, ...more, dir: this.dir, port: this.port };
    this.server = await ServerProcess.start(options, via, COUNTABLE);
  }

  async restart(): Promise<void> {
    await this.server.kill();
    await this.start();
  }

  /** Sends after what is being sent. Resolves when all are accepted or the server is dead; then a restart lets it finish. */
  async sends(count: number): Promise<void> {
    this.#sending = this.#sending.then(() => this.sender.send(count));
    await Promise.race([this.#sending, this.server.exited]);
  }

  /** Resolves when so much time has passed or the server is dead. */
  async idle(ms: number): Promise<void> {
    await Promise.race([pause(ms), this.server.exited]);
  }

  /** Resolves when the mailbox exists and is empty, or the server is dead. */
  drained(): Promise<void> {
    return this.until('the mailbox is empty', () => statSync(this.mailbox, { throwIfNoEntry: false })?.size === 0);
  }

  /** Resolves when the follower has everything accepted so far, or the server is dead. */
  async follow(options: Partial<FollowerOptions> = {}): Promise<Follower> {
    this.follower = new Follower({ mailbox: ALICE, port: () => this.clientPort, ...options });
    await this.shown();
    return this.follower;
  }

  async shown(withinMs = 20_000): Promise<void> {
    const { ledger, follower } = this;
    await until(
      'the follower has what was accepted',
      () => this.server.isOver || ledger.isIn(follower!.texts),
      withinMs,
      5,
    );
  }

  /** Resolves also when the server is dead. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    await until(what, async () => this.server.isOver || (await holds()), 20_000, 10);
  }

  get mailbox(): string {
    return join(this.dir, `${ALICE}.txt`);
  }

  append(text: string): void {
    appendFileSync(this.mailbox, text);
  }

  /** Appends an event, as another program would. */
  appendForeign(ending = '\n\n'): void {
    const text = this.ledger.post(`${FOREIGN}cat`, this.#foreign++);
    this.append(`data: ${text}${ending}`);
    this.ledger.accept(text);
  }

  /** Keeps the mailbox open, as another program would, so that its piece stays in place. */
  holdMailbox(): void {
    this.#held = openSync(this.mailbox, 'a');
  }

  letGoOfMailbox(): void {
    if (this.#held === undefined) return;
    const text = this.ledger.post(`${FOREIGN}holder`, this.#foreign++);
    writeSync(this.#held, `data: ${text}\n\n`);
    this.ledger.accept(text);
    closeSync(this.#held);
    this.#held = undefined;
  }

  /** Reports mail as delivered. Resolves to the status of the answer, or to undefined if there is none. */
  receipt(delivered: string): Promise<number | undefined> {
    const body = JSON.stringify({ receiver: ALICE, delivered });
    return new Promise((done) => {
      let status: number | undefined;
      const headers = { 'Content-Type': 'application/json' };
      const req = request(
        { host: '127.0.0.1', port: this.clientPort, method: 'POST', path: '/receipts', headers },
        (res) => {
          status = res.statusCode;
          res.resume();
        },
      );
      req.on('error', () => undefined);
      req.on('close', () => done(status));
      req.end(body);
    });
  }

  markFile(): string {
    const path = join(this.dir, '.marks', `${ALICE}.json`);
    return statSync(path, { throwIfNoEntry: false }) ? readFileSync(path, 'utf8') : '';
  }

  /** Restarts the server if it has died, lets everything arrive, ends the server, and judges. */
  async judge(patienceMs = 20_000): Promise<Judgement> {
    const diedBefore = await this.#through(this.#sending);
    const died = (await this.#through(this.sender.send(1))) || diedBefore;
    // What the first start has repaired must survive the second one.
    if (died) await this.restart();
    this.follower ??= new Follower({ mailbox: ALICE, port: () => this.clientPort });
    await this.shown(patienceMs).catch(() => undefined); // the verdict reports what is missing
    const again = await replay(this.clientPort, ALICE, this.ledger, patienceMs / 2);
    // If nobody is connected, the mailbox is drained a moment later.
    await until('the mailbox is empty', () => leftovers(this.dir, [ALICE], 'running').length === 0, 5000).catch(
      () => undefined,
    );
    await this.follower.close();
    const companion = this.companion?.isOver ? undefined : await this.companion?.terminate();
    const readers = [this.follower, again];
    const { code } = await this.server.terminate();

    const verdicts = readers.map(({ shown }) => this.ledger.judge(shown));
    const sum = (what: keyof Verdict): number => verdicts.reduce((total, verdict) => total + verdict[what].length, 0);
    return {
      lost: sum('lost'),
      twice: sum('twice'),
      reordered: sum('reordered'),
      strange: sum('strange'),
      bad: verdicts.filter((verdict) => !isClean(verdict)).map(shorten),
      complaints: [
        ...readers.flatMap(({ complaints }) => complaints),
        ...leftovers(this.dir, [ALICE]),
        ...[code, companion?.code ?? 0]
          .filter((exit) => exit !== 0)
          .map((exit) => `exit ${exit} after SIGTERM: ${this.server.errors}`),
      ],
    };
  }

  /** Resolves when all that is being sent is accepted, by this server or, if it dies, by the next one. Returns whether it died. */
  async #through(sending: Promise<void>): Promise<boolean> {
    await Promise.race([sending, this.server.exited]);
    const died = this.server.isOver;
    if (died) await this.restart();
    await sending;
    return died;
  }

  async clear(): Promise<void> {
    if (this.#held !== undefined) closeSync(this.#held);
    this.#held = undefined;
    await this.follower?.close();
    await this.server?.kill();
    await this.companion?.kill();
    this.sender.close();
    if (this.#options.dir === undefined) await removeDirectory(this.dir);
  }
}
