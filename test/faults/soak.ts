import { join } from 'node:path';
import { ownerOf } from '../ownership/kit.ts';
import { Follower } from './kit/follower.ts';
import { ForeignWriter, type WriterKind } from './kit/foreign-writer.ts';
import { Ledger, type Verdict } from './kit/ledger.ts';
import { Random } from './kit/random.ts';
import { Sender } from './kit/sender.ts';
import { ServerProcess, freePort, type ServerOptions } from './kit/server-process.ts';
import { pause, until } from './kit/wait.ts';
import { leftovers, removeDirectory, replay, shorten, takesIn, temporaryDirectory } from './kit/world.ts';

export interface SoakOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly servers?: number;
  readonly mailboxes?: number;
  readonly sendersPerMailbox?: number;
  readonly followersPerMailbox?: number;
  readonly foreign?: readonly WriterKind[];
  /** What happens to servers, and how often in relation. */
  readonly faults?: readonly Fault[];
  readonly segmentBytes?: number;
  /** Servers as users start them, instead of runners with small segments. */
  readonly command?: boolean;
  /** About how long between faults. */
  readonly faultEveryMs?: number;
  readonly report?: (line: string) => void;
}

export type Fault = 'kill' | 'stop' | 'terminate';

export interface SoakResult {
  readonly seed: number;
  readonly kills: number;
  readonly stops: number;
  readonly terminations: number;
  /** How many of these faults met the owner of the directory. */
  readonly metOwner: number;
  readonly accepted: number;
  readonly foreign: number;
  readonly connections: number;
  readonly lost: number;
  readonly twice: number;
  readonly reordered: number;
  readonly strange: number;
  /** Gaps, refused cursors, locks left, mailboxes that are not empty, takes that stay, exits other than 0. */
  readonly complaints: readonly string[];
  readonly samples: readonly object[];
}

const SERVER_FAULTS: readonly Fault[] = [...Array<Fault>(7).fill('kill'), 'stop', 'terminate'];
const NAMES = ['alice', 'bob', 'carol', 'dave'];
const STOPPED_LEAST_MS = 2100;
const STOPPED_MOST_MS = 4000;

/** Senders, followers, foreign writers and faults on one directory for a while; then the oracle. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const run = new Soak(options);
  try {
    return await run.run();
  } finally {
    await run.clear();
  }
}

interface Box {
  readonly name: string;
  readonly ledger: Ledger;
  readonly senders: Sender[];
  readonly followers: Follower[];
}

class Soak {
  readonly #options: Required<Omit<SoakOptions, 'report'>>;
  readonly #report: (line: string) => void;
  readonly #random: Random;
  readonly #dir = temporaryDirectory();
  readonly #boxes: Box[] = [];
  #servers: ServerProcess[] = [];
  #writers: ForeignWriter[] = [];
  #calm = false;
  #over = false;
  #kills = 0;
  #stops = 0;
  #terminations = 0;
  #metOwner = 0;
  readonly #complaints: string[] = [];

  constructor({ report, ...options }: SoakOptions) {
    this.#options = {
      servers: 3,
      mailboxes: 4,
      sendersPerMailbox: 8,
      followersPerMailbox: 2,
      foreign: ['php', 'dash', 'holder'],
      faults: SERVER_FAULTS,
      segmentBytes: 64 * 1024,
      command: false,
      faultEveryMs: 500,
      ...options,
    };
    this.#report = report ?? (() => undefined);
    this.#random = new Random(options.seed);
  }

  async run(): Promise<SoakResult> {
    for (let i = 0; i < this.#options.servers; i += 1) {
      this.#servers.push(await ServerProcess.start({ ...this.#serverOptions(), port: await freePort() }));
    }
    for (const name of NAMES.slice(0, this.#options.mailboxes)) this.#boxes.push(this.#openBox(name));
    this.#writers = this.#startWriters();

    const endMs = performance.now() + this.#options.durationMs;
    const reporter = setInterval(() => this.#reportState(), 10_000);
    const sending = this.#boxes.flatMap(({ senders }) => senders.map((sender) => this.#sendOn(sender)));
    const faults = this.#servers.map((_, i) => this.#makeFaults(i, endMs, this.#random.fork()));
    try {
      await Promise.all(faults);
      this.#calm = true;
      this.#over = true;
      await Promise.all([...sending, ...this.#writers.map((writer) => writer.stop())]);
      this.#writers = [];
    } finally {
      clearInterval(reporter);
    }
    return this.#judge();
  }

  #serverOptions(): ServerOptions {
    const { segmentBytes, command } = this.#options;
    return { dir: this.#dir, segmentBytes, command };
  }

  #openBox(name: string): Box {
    const ledger = new Ledger();
    const { sendersPerMailbox, followersPerMailbox } = this.#options;
    const senders = Array.from({ length: sendersPerMailbox }, (_, i) => {
      const random = this.#random.fork();
      return new Sender({ name: `${name}-friend-${i}`, receiver: name, ledger, port: () => this.#anyPort(random) });
    });
    const followers = Array.from({ length: followersPerMailbox }, () => this.#follow(name));
    return { name, ledger, senders, followers };
  }

  /** Its connections are cut now and then, and it comes back to any server, sometimes after a while. */
  #follow(mailbox: string): Follower {
    const random = this.#random.fork();
    return new Follower({
      mailbox,
      port: () => this.#anyPort(random),
      livesMs: () => (this.#calm ? 20_000 : random.between(20, 3000)),
      awayMs: () => (this.#calm ? 50 : random.next() < 0.3 ? random.between(500, 2500) : random.between(10, 100)),
      inQuery: () => random.next() < 0.3,
    });
  }

  #anyPort(random: Random): number {
    return random.pick(this.#servers).port;
  }

  #startWriters(): ForeignWriter[] {
    return this.#options.foreign
      .filter((kind) => ForeignWriter.isPossible(kind) || !this.#complaints.push(`${kind} is not installed`))
      .map((kind, i) => {
        const { name, ledger } = this.#boxes[i % this.#boxes.length]!;
        return new ForeignWriter({
          kind,
          mailboxFile: join(this.#dir, `${name}.txt`),
          ledger,
          burst: 20,
          restMs: 100,
        });
      });
  }

  async #sendOn(sender: Sender): Promise<void> {
    while (!this.#over) await sender.sendOne();
    sender.close();
  }

  async #makeFaults(index: number, endMs: number, random: Random): Promise<void> {
    while (performance.now() < endMs) {
      await pause(this.#lull(random));
      const fault = random.pick(this.#options.faults);
      const server = this.#servers[index]!;
      if (server.isOver) this.#complaints.push(`a server died by itself: ${server.errors.slice(-500)}`);
      if (ownerOf(this.#dir, [server.pid]) !== undefined) this.#metOwner += 1;
      if (fault === 'stop') {
        this.#stops += 1;
        server.signal('SIGSTOP');
        await pause(random.between(STOPPED_LEAST_MS, STOPPED_MOST_MS));
        server.signal('SIGCONT');
        continue;
      }
      if (fault === 'terminate') {
        this.#terminations += 1;
        await this.#terminate(server);
      } else {
        this.#kills += 1;
        await server.kill();
      }
      // Some are killed again while they start.
      const next = await ServerProcess.spawn({ ...this.#serverOptions(), port: server.port });
      if (fault === 'kill' && random.next() < 0.15) {
        await pause(random.between(50, 400));
        this.#kills += 1;
        await next.kill();
        this.#servers[index] = await ServerProcess.start({ ...this.#serverOptions(), port: server.port });
      } else {
        await next.ready();
        this.#servers[index] = next;
      }
    }
  }

  /** Now and then long enough for a dead holder's lock to be taken over, so that mail flows; else fault upon fault. */
  #lull(random: Random): number {
    const { faultEveryMs } = this.#options;
    return random.next() < 0.3 ? random.between(4, 12) * faultEveryMs : random.between(50, faultEveryMs);
  }

  async #terminate(server: ServerProcess): Promise<void> {
    const beganMs = performance.now();
    const late = setTimeout(() => {
      this.#complaints.push('a server did not end within 5 s of SIGTERM');
      server.signal('SIGKILL');
    }, 5000);
    const { code } = await server.terminate();
    clearTimeout(late);
    const tookMs = Math.round(performance.now() - beganMs);
    if (code !== 0) this.#complaints.push(`exit ${code} after SIGTERM (${tookMs} ms): ${server.errors.slice(-500)}`);
  }

  async #judge(): Promise<SoakResult> {
    const verdicts: Verdict[] = [];
    for (const { name, ledger, followers } of this.#boxes) {
      for (const follower of followers) {
        // What is missing after a minute is for the verdict to tell.
        await until('', () => ledger.isIn(follower.texts), 60_000, 100).catch(() => undefined);
      }
      const again = await replay(this.#anyPort(this.#random), name, ledger);
      for (const reader of [...followers, again]) {
        verdicts.push(ledger.judge(reader.shown));
        this.#complaints.push(...reader.complaints.map((complaint) => `${name}: ${complaint}`));
      }
    }
    await this.#checkEnd();
    const sum = (what: keyof Verdict): number => verdicts.reduce((total, verdict) => total + verdict[what].length, 0);
    return {
      seed: this.#options.seed,
      kills: this.#kills,
      stops: this.#stops,
      terminations: this.#terminations,
      metOwner: this.#metOwner,
      accepted: this.#accepted(),
      foreign: this.#foreign(),
      connections: this.#connections(),
      lost: sum('lost'),
      twice: sum('twice'),
      reordered: sum('reordered'),
      strange: sum('strange'),
      complaints: this.#complaints.slice(0, 20),
      samples: verdicts
        .filter((verdict) => Object.values(verdict).some((list: string[]) => list.length > 0))
        .map(shorten),
    };
  }

  /** Takes go when nobody writes to them; after a clean end no lock is left, and every mailbox is there and empty. */
  async #checkEnd(): Promise<void> {
    await until('takes to be retired', () => takesIn(this.#dir).length === 0, 25_000, 200).catch(() =>
      this.#complaints.push(`takes that stay: ${takesIn(this.#dir).join(', ')}`),
    );
    await Promise.all(this.#boxes.flatMap(({ followers }) => followers.map((follower) => follower.close())));
    await Promise.all(this.#servers.map((server) => this.#terminate(server)));
    const names = this.#boxes.map(({ name }) => name);
    this.#complaints.push(...leftovers(this.#dir, names));
  }

  #accepted(): number {
    return this.#boxes.reduce((total, { ledger }) => total + ledger.accepted, 0);
  }

  #foreign(): number {
    return this.#boxes.reduce((total, { ledger }) => total + ledger.foreign, 0);
  }

  #connections(): number {
    return this.#boxes.flatMap(({ followers }) => followers).reduce((total, { connections }) => total + connections, 0);
  }

  #reportState(): void {
    this.#report(
      `kills ${this.#kills}, stops ${this.#stops}, terminations ${this.#terminations}, of the owner ${this.#metOwner}, accepted ${this.#accepted()}` +
        ` (of them foreign ${this.#foreign()}), connections ${this.#connections()}`,
    );
  }

  async clear(): Promise<void> {
    this.#over = true;
    this.#calm = true;
    await Promise.allSettled(this.#boxes.flatMap(({ followers }) => followers.map((follower) => follower.close())));
    await Promise.allSettled(this.#writers.map((writer) => writer.stop()));
    await Promise.allSettled(this.#servers.map((server) => server.kill()));
    if (this.#complaints.length > 0 && process.env['KEEP_DIR']) this.#report(`kept: ${this.#dir}`);
    else removeDirectory(this.#dir);
  }
}
