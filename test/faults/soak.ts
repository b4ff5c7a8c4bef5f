import { FaultyProcesses, type Fault, type FaultCounts } from './kit/faulty-processes.ts';
import { Follower } from './kit/follower.ts';
import type { WriterKind } from './kit/foreign-writer.ts';
import { Ledger, type Verdict } from './kit/ledger.ts';
import { Random } from './kit/random.ts';
import { Sender } from './kit/sender.ts';
import { until } from '../support/until.ts';
import { leftovers, replay, shorten, takesIn } from './kit/world.ts';
import { removeDirectory, makeDirectory } from '../support/make-directory.ts';
import { startExamples, startWriters, type ExampleWriters, type Writer } from './kit/writers.ts';

export interface SoakOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** How many servers use the directory; default 3. */
  readonly processes?: number;
  readonly mailboxes?: number;
  readonly sendersPerMailbox?: number;
  readonly followersPerMailbox?: number;
  readonly foreign?: readonly WriterKind[];
  /** The run goes on until these have appended everything; default: none. */
  readonly examples?: ExampleWriters;
  /** What happens to servers: each fault is as likely as it is frequent here. */
  readonly faults?: readonly Fault[];
  /** About how much time is between faults. */
  readonly faultEveryMs?: number;
  /** The run goes on until this is true, however long it takes. */
  readonly areEnough?: (counts: FaultCounts) => boolean;
  readonly report?: (line: string) => void;
}

export interface SoakResult extends FaultCounts {
  readonly seed: number;
  readonly accepted: number;
  readonly foreign: number;
  readonly connections: number;
  readonly lost: number;
  readonly twice: number;
  readonly reordered: number;
  readonly strange: number;
  /** Gaps, refused cursors, locks left, mailboxes that are missing or not empty, exits other than 0. */
  readonly complaints: readonly string[];
  readonly samples: readonly object[];
}

const SERVER_FAULTS: readonly Fault[] = [...Array<Fault>(7).fill('kill'), 'stop', 'terminate'];
const NAMES = ['alice', 'bob', 'carol', 'dave'];

/** Runs senders, followers, foreign writers and faults on one directory for a while, then asks the oracle. */
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
  readonly #dir = makeDirectory();
  readonly #boxes: Box[] = [];
  readonly #processes: FaultyProcesses;
  readonly #programs = makeDirectory();
  #writers: Writer[] = [];
  #calm = false;
  #over = false;
  readonly #complaints: string[] = [];

  constructor({ report, ...options }: SoakOptions) {
    this.#options = {
      processes: 3,
      mailboxes: 4,
      sendersPerMailbox: 8,
      followersPerMailbox: 2,
      foreign: ['php', 'dash', 'holder'],
      examples: { writers: 0, appends: 0, restMs: 0 },
      faults: SERVER_FAULTS,
      faultEveryMs: 500,
      areEnough: () => true,
      ...options,
    };
    this.#report = report ?? (() => undefined);
    this.#random = new Random(options.seed);
    const { faults, faultEveryMs } = this.#options;
    const areEnough = (counts: FaultCounts): boolean => this.#options.areEnough(counts) && this.#haveAppendedAll();
    this.#processes = new FaultyProcesses(this.#dir, { faults, faultEveryMs, areEnough, complaints: this.#complaints });
  }

  async run(): Promise<SoakResult> {
    for (let i = 0; i < this.#options.processes; i += 1) await this.#processes.add();
    for (const name of NAMES.slice(0, this.#options.mailboxes)) this.#boxes.push(this.#openBox(name));
    const { foreign, examples } = this.#options;
    this.#writers = [
      ...startWriters(foreign, this.#dir, this.#boxes, this.#complaints),
      ...startExamples(examples, this.#dir, this.#boxes, this.#programs),
    ];

    const endMs = performance.now() + this.#options.durationMs;
    const reporter = setInterval(() => this.#reportState(), 10_000);
    const sending = this.#boxes.flatMap(({ senders }) => senders.map((sender) => this.#sendOn(sender)));
    try {
      await this.#processes.makeFaults(endMs, this.#random);
      this.#calm = true;
      this.#over = true;
      await Promise.all([...sending, ...this.#writers.map((writer) => writer.stop())]);
      this.#writers = [];
    } finally {
      clearInterval(reporter);
    }
    return this.#judge();
  }

  #openBox(name: string): Box {
    const ledger = new Ledger();
    const { sendersPerMailbox, followersPerMailbox } = this.#options;
    const senders = Array.from({ length: sendersPerMailbox }, (_, i) => {
      const random = this.#random.fork();
      return new Sender({
        name: `${name}-friend-${i}`,
        receiver: name,
        ledger,
        port: () => this.#processes.anyPort(random),
      });
    });
    const followers = Array.from({ length: followersPerMailbox }, () => this.#follow(name));
    return { name, ledger, senders, followers };
  }

  /** A follower whose connections are cut now and then. It reconnects to any server, sometimes after a while. */
  #follow(mailbox: string): Follower {
    const random = this.#random.fork();
    return new Follower({
      mailbox,
      port: () => this.#processes.anyPort(random),
      livesMs: () => (this.#calm ? 20_000 : random.between(20, 3000)),
      awayMs: () => (this.#calm ? 50 : random.next() < 0.3 ? random.between(500, 2500) : random.between(10, 100)),
      inQuery: () => random.next() < 0.3,
    });
  }

  #haveAppendedAll(): boolean {
    return this.#writers.every(({ isOver = true }) => isOver);
  }

  async #sendOn(sender: Sender): Promise<void> {
    while (!this.#over) {
      await sender.sendOne();
      this.#processes.silence.accepted();
    }
    sender.close();
  }

  async #judge(): Promise<SoakResult> {
    const verdicts: Verdict[] = [];
    for (const { name, ledger, followers } of this.#boxes) {
      for (const follower of followers) {
        // The verdict reports what is missing after a minute.
        await until('', () => ledger.isIn(follower.texts), 60_000, 100).catch(() => undefined);
      }
      for (const reader of followers) this.#hear(name, ledger, reader, verdicts);
    }
    await this.#checkEnd();
    // A new process, which has seen nothing before, reads what is in the files.
    const fresh = await this.#processes.add();
    for (const { name, ledger } of this.#boxes) {
      this.#hear(name, ledger, await replay(fresh.port, name, ledger), verdicts);
    }
    await this.#processes.terminateAll();
    const sum = (what: keyof Verdict): number => verdicts.reduce((total, verdict) => total + verdict[what].length, 0);
    return {
      seed: this.#options.seed,
      ...this.#processes.counts,
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

  #hear(name: string, ledger: Ledger, reader: Follower, verdicts: Verdict[]): void {
    verdicts.push(ledger.judge(reader.shown));
    this.#complaints.push(...reader.complaints.map((complaint) => `${name}: ${complaint}`));
  }

  /** Mailboxes must exist and be empty while somebody listens, taken files must move on, and a clean end must leave no lock. */
  async #checkEnd(): Promise<void> {
    const names = this.#boxes.map(({ name }) => name);
    const left = (): string[] => leftovers(this.#dir, names, 'running');
    await until('', () => left().length === 0, 5000).catch(() => this.#complaints.push(...left()));
    const taken = (): string[] => takesIn(this.#dir).map((name) => `stays taken: ${name}`);
    await until('', () => taken().length === 0, 60_000).catch(() => this.#complaints.push(...taken()));
    await Promise.all(this.#boxes.flatMap(({ followers }) => followers.map((follower) => follower.close())));
    await this.#processes.terminateAll();
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
    const { kills, stops, terminations, metOwner, longestSilenceMs } = this.#processes.counts;
    this.#report(
      `kills ${kills}, stops ${stops}, terminations ${terminations}, of the owner ${metOwner}, longest silence` +
        ` ${longestSilenceMs} ms, accepted ${this.#accepted()} (of them foreign ${this.#foreign()}), connections ${this.#connections()}`,
    );
  }

  async clear(): Promise<void> {
    this.#over = true;
    this.#calm = true;
    await Promise.allSettled(this.#boxes.flatMap(({ followers }) => followers.map((follower) => follower.close())));
    await Promise.allSettled(this.#writers.map((writer) => writer.stop()));
    await this.#processes.kill();
    if (process.env['KEEP_DIR']) this.#report(`kept: ${this.#dir}`);
    else await removeDirectory(this.#dir);
    await removeDirectory(this.#programs);
  }
}
