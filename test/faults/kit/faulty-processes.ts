import { ownerOf } from '../../ownership/kit.ts';
import type { Random } from './random.ts';
import { ServerProcess, freePort } from './server-process.ts';
import { Silence } from './silence.ts';
import { setTimeout as pause } from 'node:timers/promises';

export type Fault = 'kill' | 'stop' | 'terminate';

export interface FaultCounts {
  readonly kills: number;
  readonly stops: number;
  readonly terminations: number;
  /** How many of these faults hit the owner of the directory. */
  readonly metOwner: number;
  /** The longest time without a 2xx while a process ran that could have answered. */
  readonly longestSilenceMs: number;
}

interface Options {
  /** Each is as likely as it is frequent here. */
  readonly faults: readonly Fault[];
  /** About how much time is between faults. */
  readonly faultEveryMs: number;
  /** Faults continue after their time until this is true: a busy machine gets through fewer in the same time. */
  readonly areEnough: (counts: FaultCounts) => boolean;
  /** Gets what goes wrong. */
  readonly complaints: string[];
}

const STOPPED_LEAST_MS = 2100;
const STOPPED_MOST_MS = 4000;

/** Processes on one directory, as users start them, that are killed, stopped and ended at random. */
export class FaultyProcesses {
  readonly silence = new Silence();
  readonly #dir: string;
  readonly #options: Options;
  readonly #servers: ServerProcess[] = [];
  #running = 0;
  readonly #counts = { kills: 0, stops: 0, terminations: 0, metOwner: 0 };

  constructor(dir: string, options: Options) {
    this.#dir = dir;
    this.#options = options;
  }

  get counts(): FaultCounts {
    return { ...this.#counts, longestSilenceMs: Math.round(this.silence.longestMs) };
  }

  async add(): Promise<ServerProcess> {
    const server = await this.#start(await freePort());
    this.#servers.push(server);
    this.#running += 1;
    return server;
  }

  anyPort(random: Random): number {
    return random.pick(this.#servers).port;
  }

  /** Resolves when the time is over, there were enough faults, and all processes run. */
  async makeFaults(endMs: number, random: Random): Promise<void> {
    await Promise.all(this.#servers.map((_, i) => this.#makeFaults(i, endMs, random.fork())));
  }

  async terminateAll(): Promise<void> {
    await Promise.all(this.#servers.splice(0).map((server) => this.#terminate(server)));
  }

  async kill(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.kill()));
  }

  #start(port: number): Promise<ServerProcess> {
    return ServerProcess.start({ dir: this.#dir, port, command: true });
  }

  async #makeFaults(index: number, endMs: number, random: Random): Promise<void> {
    while (performance.now() < endMs || !this.#options.areEnough(this.counts)) {
      await pause(this.#lull(random));
      const fault = random.pick(this.#options.faults);
      const server = this.#servers[index]!;
      if (server.isOver) this.#options.complaints.push(`a server died by itself: ${server.errors.slice(-500)}`);
      const isOwner = ownerOf(this.#dir, [server.pid]) !== undefined;
      if (isOwner) this.#counts.metOwner += 1;
      if (fault === 'stop') await this.#stop(server, random, isOwner);
      else this.#servers[index] = await this.#replace(server, fault, random);
    }
  }

  /** A pause before the next fault. Now and then it is long enough for mail to flow. */
  #lull(random: Random): number {
    const { faultEveryMs } = this.#options;
    return random.next() < 0.3 ? random.between(4, 12) * faultEveryMs : random.between(50, faultEveryMs);
  }

  async #stop(server: ServerProcess, random: Random, isOwner: boolean): Promise<void> {
    this.#counts.stops += 1;
    const isBack = this.#missing(isOwner);
    server.signal('SIGSTOP');
    await pause(random.between(STOPPED_LEAST_MS, STOPPED_MOST_MS));
    server.signal('SIGCONT');
    isBack();
  }

  async #replace(server: ServerProcess, fault: 'kill' | 'terminate', random: Random): Promise<ServerProcess> {
    const isBack = this.#missing();
    if (fault === 'terminate') {
      this.#counts.terminations += 1;
      await this.#terminate(server);
    } else {
      this.#counts.kills += 1;
      await server.kill();
    }
    if (fault === 'kill' && random.next() < 0.15) await this.#killWhileStarting(server.port, random);
    const next = await this.#start(server.port);
    isBack();
    return next;
  }

  /** Silence is allowed while a stopped owner makes everybody wait, or no process runs. Call what it returns to end that. */
  #missing(isStoppedOwner = false): () => void {
    this.#running -= 1;
    const excused = isStoppedOwner || this.#running === 0 ? this.silence.excuse() : undefined;
    return () => {
      this.#running += 1;
      excused?.();
    };
  }

  async #killWhileStarting(port: number, random: Random): Promise<void> {
    const server = await ServerProcess.spawn({ dir: this.#dir, port, command: true });
    await pause(random.between(50, 400));
    this.#counts.kills += 1;
    await server.kill();
  }

  async #terminate(server: ServerProcess): Promise<void> {
    const beganMs = performance.now();
    const late = setTimeout(() => {
      this.#options.complaints.push('a server did not end within 5 s of SIGTERM');
      server.signal('SIGKILL');
    }, 5000);
    const { code } = await server.terminate();
    clearTimeout(late);
    const tookMs = Math.round(performance.now() - beganMs);
    if (code !== 0) {
      this.#options.complaints.push(`exit ${code} after SIGTERM (${tookMs} ms): ${server.errors.slice(-500)}`);
    }
  }
}
