import cluster, { type Worker as ClusterWorker } from 'node:cluster';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { extname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Registry } from 'prom-client';
import type { Logger } from '../logger.ts';
import type { Report } from '../metrics/workers-total.ts';
import { CLEAN, Ending, RUNTIME } from './ending.ts';
import type { FromWorker, Order, ToWorker } from './worker-messages.ts';

/** A worker that has served so long did not fail at its start. */
const STEADY_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** So often in a row may one fail soon after its start. */
const MOST_FAILURES = 5;
/** Whoever has not said by then what it has counted is taken at its last word. */
const REPORT_MS = 1_000;

/** They give up by themselves before that, unless they can do nothing at all. */
const STOP_MS = 5_000;
const STUCK: Exit = { code: null, signal: null };

const PROGRAM = fileURLToPath(new URL(`worker${extname(import.meta.url)}`, import.meta.url));

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface WorkersOptions {
  readonly count: number;
  readonly logger: Logger;
  /** One failed again and again, and is not started any more; the others still serve. */
  readonly onHopeless: (ending: Ending) => void;
}

/** Processes that serve together. Whichever ends is started again; none outlives this process. */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #running = new Set<Worker>();
  /** The last reports of workers that have ended: without them the sums would fall, which reads as a new start. */
  #ended: Report[] = [];
  #stopping = false;

  constructor(options: WorkersOptions) {
    this.#options = options;
    // In JSON a number that is none would become null.
    cluster.setupPrimary({ exec: PROGRAM, args: [], serialization: 'advanced' });
    process.on('exit', () => {
      for (const worker of this.#running) worker.kill();
    });
  }

  /**
   * The first finds the port, or says what there is against a start; then the others follow. Resolves to the port when all
   * listen, or to how the first ended.
   */
  async start(order: Order): Promise<number | Exit> {
    const first = this.#fork();
    const others = Array.from({ length: this.#options.count - 1 }, () => this.#fork()); // they load meanwhile
    first.say({ serve: order });
    const port = await first.listening;
    if (port === undefined) return first.exited;

    const next: Order = { settings: { ...order.settings, port }, ifTaken: 'fail' };
    for (const worker of others) worker.say({ serve: next });
    const allUp = [first, ...others].map(
      (worker) => new Promise<void>((isUp) => void this.#replace(worker, next, isUp).catch(this.#options.onHopeless)),
    );
    await Promise.all(allUp);
    return port;
  }

  /** Lets each finish what it has begun. Rejects when one did not end well. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const workers = [...this.#running];
    for (const worker of workers) worker.say({ ask: 'stop' });
    const late = pause(STOP_MS, STUCK, { ref: false });
    const exits = await Promise.all(workers.map(({ exited }) => Promise.race([exited, late])));
    const bad = exits.find((exit) => !isWanted(exit));
    if (bad) throw new Ending(RUNTIME, `A worker did not stop cleanly (${inWords(bad)}).`);
  }

  /** What all have counted, those that have ended included. */
  async total(): Promise<Registry> {
    const { leftOf, totalOf } = await import('../metrics/workers-total.ts');
    await Promise.all(Array.from(this.#running, (worker) => worker.count()));
    // From here on in one go: a worker that ends meanwhile is counted here or there.
    this.#ended = [leftOf(this.#ended)];
    return totalOf([...Array.from(this.#running, ({ report }) => report), ...this.#ended]);
  }

  #fork(): Worker {
    const worker = new Worker();
    this.#running.add(worker);
    void worker.exited.then(() => {
      this.#running.delete(worker);
      this.#ended.push(worker.report);
    });
    return worker;
  }

  /** Starts another whenever one has ended. Rejects when that is of no use. */
  async #replace(first: Worker, order: Order, isUp: () => void): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    let failures = 0;
    for (let worker = first; ; worker = this.#fork(), worker.say({ serve: order })) {
      if ((await worker.listening) !== undefined) isUp();
      const exit = await worker.exited;
      if (this.#stopping) return;

      const isSteady = worker.servedMs >= STEADY_MS;
      const isFailure = !isWanted(exit) || (exit.code === CLEAN && !worker.hasListened);
      failures = isFailure && !isSteady ? failures + 1 : 0;
      if (failures === MOST_FAILURES) throw hopeless(exit);
      if (isSteady) pauseMs = FIRST_PAUSE_MS;
      this.#options.logger.warn(
        { worker: worker.pid, ended: inWords(exit), pauseMs },
        'a worker has ended: another takes its place',
      );
      await pause(pauseMs);
      if (this.#stopping) return;
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }
}

/** Ended by itself when told to, or by somebody else, who may have been the system in want of memory. */
function isWanted({ code, signal }: Exit): boolean {
  return code === CLEAN || signal === 'SIGINT' || signal === 'SIGTERM' || signal === 'SIGKILL';
}

function inWords({ code, signal }: Exit): string {
  if (signal !== null) return signal;
  return code === null ? 'it does not answer' : `exit status ${code}`;
}

function hopeless(exit: Exit): Ending {
  return new Ending(
    RUNTIME,
    `A worker failed ${MOST_FAILURES} times in a row soon after its start (${inWords(exit)}).`,
    ['What it said stands above. All workers are stopped; mend it and start again.'],
  );
}

/** One process, seen from the primary. */
class Worker {
  /** What it had counted when it was last asked. */
  report: Report = [];
  /** The port, as soon as it listens there; undefined when it ended before. */
  readonly listening: Promise<number | undefined>;
  readonly exited: Promise<Exit>;
  readonly #worker: ClusterWorker;
  /** Before, node would drop what is said to it. */
  readonly #hears: Promise<unknown>;
  #listensSinceMs: number | undefined;
  #endedMs: number | undefined;

  constructor() {
    const worker = cluster.fork();
    this.#worker = worker;
    this.#hears = new Promise((resolve) => worker.once('message', resolve)); // it begins with a word that it is there
    this.exited = new Promise((resolve) => {
      worker.once('exit', (code: number | null, signal: string | null) => {
        this.#endedMs = performance.now();
        resolve({ code, signal });
      });
      worker.on('error', () => {
        if (worker.process.pid === undefined) resolve({ code: RUNTIME, signal: null }); // it could not even be started
      });
    });
    this.listening = new Promise((resolve) => {
      worker.on('message', (message: FromWorker) => {
        if ('listening' in message) {
          this.#listensSinceMs = performance.now();
          resolve(message.listening);
        } else if ('report' in message) {
          this.report = message.report;
        }
      });
      void this.exited.then(() => resolve(undefined));
    });
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  get hasListened(): boolean {
    return this.#listensSinceMs !== undefined;
  }

  get servedMs(): number {
    return (this.#endedMs ?? performance.now()) - (this.#listensSinceMs ?? Infinity);
  }

  /** Asks for a new report; when none comes in time, the one before stands. */
  async count(): Promise<void> {
    if (!this.hasListened) return;
    const over = new AbortController();
    const { signal } = over;
    const reported = once(this.#worker, 'message', { signal });
    this.say({ ask: 'report' });
    const late = pause(REPORT_MS, undefined, { signal });
    await Promise.race([reported, late, this.exited].map((one) => one.catch(() => {})));
    over.abort();
  }

  say(message: ToWorker): void {
    void this.#hears.then(() => {
      if (this.#worker.isConnected()) this.#worker.send(message, () => {}); // its end is noticed elsewhere
    });
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }
}
