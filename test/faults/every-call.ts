import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, statSync, utimesSync, writeSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { Follower } from './kit/follower.ts';
import { FOREIGN, Ledger, isClean, type Verdict } from './kit/ledger.ts';
import { Sender } from './kit/sender.ts';
import { ServerProcess, freePort, type ServerOptions } from './kit/server-process.ts';
import { COUNTABLE, Strace, type Injection } from './kit/strace.ts';
import { until } from './kit/wait.ts';
import { leftovers, locksIn, removeDirectory, replay, shorten, takesIn, temporaryDirectory } from './kit/world.ts';

const ALICE = 'alice';

/** One thing that the server does with files, done under faults. */
export interface Operation {
  readonly name: string;
  readonly options?: Partial<ServerOptions>;
  /** Before the faults begin. */
  readonly prepare: (scene: Scene) => Promise<void>;
  /** Ends when what it began has ended, or the server is dead. */
  readonly act: (scene: Scene) => Promise<void>;
  /** The faults begin with the server. */
  readonly atStart?: boolean;
}

export const OPERATIONS: readonly Operation[] = [
  {
    name: 'append to the mailbox',
    prepare: (scene) => scene.sender.send(1),
    act: (scene) => scene.sends(3),
  },
  {
    name: 'append to the log',
    prepare: async (scene) => {
      await scene.sender.send(1);
      await scene.follow();
    },
    act: (scene) => scene.sends(3),
  },
  {
    name: 'drain',
    prepare: async (scene) => {
      await scene.sender.send(2);
      scene.appendForeign();
      scene.append('nonsense without a field\n\n');
      scene.appendForeign();
    },
    act: async (scene) => {
      const following = scene.follow();
      await scene.sends(1);
      await following;
    },
  },
  {
    name: 'rotate',
    options: { segmentBytes: 400 },
    prepare: async (scene) => {
      await scene.sender.send(2);
      await scene.follow();
    },
    act: (scene) => scene.sends(4),
  },
  {
    name: 'rotate while a take is kept',
    options: { segmentBytes: 400 },
    prepare: async (scene) => {
      await scene.sender.send(1);
      scene.appendForeign();
      scene.holdMailbox();
      await scene.follow();
    },
    act: (scene) => scene.sends(4),
  },
  {
    name: 'retire a take',
    options: { hurry: 20 },
    prepare: async (scene) => {
      await scene.sender.send(2);
      scene.holdMailbox();
      await scene.follow();
    },
    act: async (scene) => {
      scene.letGoOfMailbox();
      await scene.until('the take is retired', () => takesIn(scene.dir).length === 0);
    },
  },
  {
    name: 'mark',
    prepare: async (scene) => {
      await scene.sender.send(1);
      await scene.follow();
    },
    act: async (scene) => {
      const id = scene.follower!.cursor!;
      await scene.receipt(id);
      await scene.until('the mark is written', () => scene.markFile().includes(id));
    },
  },
  {
    name: 'start',
    atStart: true,
    prepare: async (scene) => {
      await scene.sender.send(2);
      scene.holdMailbox();
      await scene.follow();
      await scene.sender.send(1);
      await scene.server.kill();
      scene.letGoOfMailbox();
      scene.appendForeign();
    },
    act: (scene) => scene.sends(1),
  },
];

export const CALLS: readonly (readonly string[])[] = [
  ['open', 'openat'],
  ['write'],
  ['writev'],
  ['pwrite64', 'pwritev'],
  ['fdatasync'],
  ['fsync'],
  ['rename', 'renameat', 'renameat2'],
  ['link', 'linkat'],
  ['unlink', 'unlinkat'],
  ['mkdir', 'mkdirat'],
  ['rmdir'],
  ['close'],
];

export interface Outcome {
  /** Whether the fault came about at all. */
  readonly struck: boolean;
  readonly died: boolean;
  readonly exitCode: number | null;
  readonly verdicts: readonly Verdict[];
  readonly complaints: readonly string[];
}

/** Does one operation with one fault in it; restarts the server if that killed it; asks the oracle. */
export async function strike(operation: Operation, injection: Injection): Promise<Outcome> {
  const scene = new Scene(operation.options ?? {});
  try {
    return await scene.play(operation, injection);
  } finally {
    await scene.clear();
  }
}

/** A server with one mailbox, one sender and, from some time on, one follower. */
export class Scene {
  readonly dir = temporaryDirectory();
  readonly ledger = new Ledger();
  readonly sender: Sender;
  follower: Follower | undefined;
  server!: ServerProcess;
  readonly #options: Partial<ServerOptions>;
  #port = 0;
  #foreign = 0;
  #held: number | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(options: Partial<ServerOptions>) {
    this.#options = options;
    this.sender = new Sender({ name: 'bob', receiver: ALICE, ledger: this.ledger, port: () => this.#port });
  }

  async play(operation: Operation, injection: Injection): Promise<Outcome> {
    this.#port = await freePort();
    await this.start();
    await operation.prepare(this);
    if (operation.atStart) await this.start({ hold: true });
    const strace = await Strace.attach(this.server.pid, injection);
    if (operation.atStart) {
      this.server.begin();
      await this.server.ready().catch(() => undefined);
    }
    await operation.act(this);
    await strace.detach();
    const struck = strace.hasStruck || this.server.isOver;
    strace.forget();
    const died = this.server.isOver;
    const exitCode = died ? (await this.server.exited).code : null;
    return { struck, died, exitCode, ...(await this.#judge(died)) };
  }

  async start(more: Partial<ServerOptions> = {}): Promise<void> {
    this.server = await ServerProcess.start({ dir: this.dir, port: this.#port, ...this.#options, ...more }, [], COUNTABLE);
  }

  /** Ends when they are accepted, or the server is dead: then they are accepted after its restart. */
  async sends(count: number): Promise<void> {
    this.#sending = this.sender.send(count);
    await Promise.race([this.#sending, this.server.exited]);
  }

  async follow(): Promise<void> {
    this.follower = new Follower({ mailbox: ALICE, port: () => this.#port });
    await this.until('the follower has what was accepted', () => this.ledger.isIn(this.follower!.texts));
  }

  /** Ends when the server is dead, too. */
  async until(what: string, holds: () => boolean): Promise<void> {
    await until(what, () => this.server.isOver || holds(), 20_000, 10);
  }

  append(text: string): void {
    appendFileSync(this.#mailbox, text);
  }

  appendForeign(): void {
    const text = this.ledger.post(`${FOREIGN}cat`, this.#foreign++);
    this.append(`data: ${text}\n\n`);
    this.ledger.accept(text);
  }

  /** Keeps the mailbox open, as another program would: its take stays. */
  holdMailbox(): void {
    this.#held = openSync(this.#mailbox, 'a');
  }

  letGoOfMailbox(): void {
    if (this.#held === undefined) return;
    const text = this.ledger.post(`${FOREIGN}holder`, this.#foreign++);
    writeSync(this.#held, `data: ${text}\n\n`);
    this.ledger.accept(text);
    closeSync(this.#held);
    this.#held = undefined;
  }

  receipt(delivered: string): Promise<void> {
    const body = JSON.stringify({ receiver: ALICE, delivered });
    return new Promise((done) => {
      const headers = { 'Content-Type': 'application/json' };
      const req = request({ host: '127.0.0.1', port: this.#port, method: 'POST', path: '/receipts', headers }, (res) =>
        res.resume(),
      );
      req.on('error', () => undefined);
      req.on('close', done);
      req.end(body);
    });
  }

  markFile(): string {
    const path = join(this.dir, '.marks', `${ALICE}.json`);
    return statSync(path, { throwIfNoEntry: false }) ? readFileSync(path, 'utf8') : '';
  }

  get #mailbox(): string {
    return join(this.dir, `${ALICE}.txt`);
  }

  async #judge(died: boolean): Promise<Pick<Outcome, 'verdicts' | 'complaints'>> {
    if (died) {
      this.#ageLocks();
      await this.start();
    }
    await this.#sending;
    await this.sender.send(1);
    if (died) {
      // What the first start made up for must be there for the second, too.
      await this.server.kill();
      this.#ageLocks();
      await this.start();
    }
    this.follower ??= new Follower({ mailbox: ALICE, port: () => this.#port });
    // What is missing after so long is for the verdict to tell.
    await until('', () => this.ledger.isIn(this.follower!.texts), 15_000, 10).catch(() => undefined);
    const again = await replay(this.#port, ALICE, this.ledger, 5000);
    await this.follower.close();
    const readers = [this.follower, again];
    const { code } = await this.server.terminate();
    return {
      verdicts: readers.map(({ shown }) => this.ledger.judge(shown)),
      complaints: [
        ...readers.flatMap(({ complaints }) => complaints),
        ...leftovers(this.dir, [ALICE]),
        ...(code === 0 ? [] : [`exit ${code} after SIGTERM: ${this.server.errors}`]),
      ],
    };
  }

  /** A dead holder's lock is taken over after 2 s. Here they have passed. */
  #ageLocks(): void {
    const longAgo = new Date(Date.now() - 60_000);
    for (const lock of locksIn(this.dir)) utimesSync(join(this.dir, '.locks', lock), longAgo, longAgo);
  }

  async clear(): Promise<void> {
    if (this.#held !== undefined) closeSync(this.#held);
    await this.follower?.close();
    await this.server.kill();
    this.sender.close();
    removeDirectory(this.dir);
  }
}

export interface Series {
  readonly operation: Operation;
  readonly calls: readonly string[];
  readonly fault: string;
  readonly thread: 'main' | 'pool';
}

export interface EveryCallResult {
  readonly runs: number;
  readonly kills: number;
  readonly failures: number;
  readonly lost: number;
  readonly twice: number;
  readonly reordered: number;
  readonly strange: number;
  readonly complaints: readonly string[];
}

const MOST_CALLS = 100;
const FAILURES = ['error=ENOSPC', 'error=EIO'];
/** node itself cannot do without these: failing them would say nothing about us. */
const NOT_FAILED = new Set(['close', 'writev']);

/** Each operation, each call, each thread: the first of them, the second, … until none is left to strike. */
export async function everyCall(options: {
  report: (line: string) => void;
  only?: string | undefined;
}): Promise<EveryCallResult> {
  const total = { runs: 0, kills: 0, failures: 0, lost: 0, twice: 0, reordered: 0, strange: 0 };
  const complaints: string[] = [];
  mkdirSync('/tmp', { recursive: true });
  for (const series of allSeries(options.only)) {
    const name = `${series.operation.name}, ${series.calls[0]}, ${series.fault}, ${series.thread} thread`;
    let when = 1;
    for (; when <= MOST_CALLS; when += 1) {
      const outcome = await strikeIn(series, when).catch((error: Error) => error);
      total.runs += 1;
      if (outcome instanceof Error) {
        complaints.push(`${name}, call ${when}: ${outcome.message}`);
        options.report(complaints.at(-1)!);
        continue;
      }
      if (!outcome.struck) break;
      if (series.fault === 'signal=KILL') total.kills += 1;
      else total.failures += 1;
      for (const what of ['lost', 'twice', 'reordered', 'strange'] as const)
        total[what] += outcome.verdicts.reduce((sum, verdict) => sum + verdict[what].length, 0);
      const wrong = [...outcome.verdicts.filter((verdict) => !isClean(verdict)).map(shorten), ...outcome.complaints];
      if (wrong.length > 0) {
        complaints.push(`${name}, call ${when}: ${JSON.stringify(wrong)}`);
        options.report(complaints.at(-1)!);
      }
    }
    if (when > 1) options.report(`${name}: struck ${when - 1} calls`);
  }
  return { ...total, complaints };
}

export function strikeIn({ operation, calls, fault, thread }: Series, when: number): Promise<Outcome> {
  return strike(operation, { calls, fault, thread, when });
}

function allSeries(only: string | undefined): Series[] {
  const operations = OPERATIONS.filter(({ name }) => only === undefined || name.includes(only));
  return operations.flatMap((operation) =>
    CALLS.flatMap((calls) =>
      (['main', 'pool'] as const).flatMap((thread) =>
        ['signal=KILL', ...(NOT_FAILED.has(calls[0]!) ? [] : FAILURES)].map((fault) => ({
          operation,
          calls,
          fault,
          thread,
        })),
      ),
    ),
  );
}
