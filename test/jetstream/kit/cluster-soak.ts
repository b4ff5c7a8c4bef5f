import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Follower } from '../../faults/kit/follower.ts';
import { Ledger, type Shown, type Verdict } from '../../faults/kit/ledger.ts';
import { Random } from '../../faults/kit/random.ts';
import { Sender, post } from '../../faults/kit/sender.ts';
import { ServerProcess, freePort } from '../../faults/kit/server-process.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import { removeDirectory, makeDirectory } from '../../support/make-directory.ts';
import { HintDropper } from './hint-dropper.ts';
import { NatsCluster, type NatsNode } from './nats-cluster.ts';

export interface ClusterSoakOptions {
  readonly seed: number;
  readonly mailboxes?: number;
  /** How many hints out of ten are dropped. */
  readonly dropOfTen?: number;
  readonly report?: (line: string) => void;
}

export interface ClusterSoakResult {
  readonly seed: number;
  readonly accepted: number;
  readonly connections: number;
  readonly hintsDropped: number;
  /** The longest time from the first attempt to the 2xx in each phase, in ms. */
  readonly longestWriteMs: Readonly<Record<string, number>>;
  /** The fsyncs of each server while messages were sent one by one, and the number of those messages. */
  readonly fsyncs: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly twice: number;
  readonly reordered: number;
  readonly strange: number;
  /** Gaps, refusals, and followers whose sequences differ. */
  readonly complaints: readonly string[];
}

const SHARDS = 4;
const ONE_BY_ONE = 50;
const PAUSED_MS = 14_000;
const DOWN_MS = 8000;
const CALM_MS = 10_000;
/** A dropped hint costs up to 30 s, and the very last one may have been dropped. */
const CATCH_UP_MS = 90_000;

interface Box {
  readonly name: string;
  readonly ledger: Ledger;
  readonly sender: Sender;
  readonly followers: readonly Follower[];
}

/**
 * Three NATS servers, two chats in front of them, and 100 mailboxes with a sender and a follower on each chat. Under
 * load, the leader is killed twice, one server is paused for 14 s, two of three are lost and come back, and hints are
 * dropped all the time.
 */
export async function clusterSoak(options: ClusterSoakOptions): Promise<ClusterSoakResult> {
  const run = new ClusterSoak(options);
  try {
    return await run.run();
  } finally {
    await run.clear();
  }
}

class ClusterSoak {
  readonly #seed: number;
  readonly #random: Random;
  readonly #report: (line: string) => void;
  readonly #mailboxes: number;
  readonly #dropOfTen: number;
  readonly #dir = makeDirectory();
  readonly #boxes: Box[] = [];
  readonly #longest: Record<string, number> = {};
  readonly #droppers: HintDropper[] = [];
  #cluster: NatsCluster | undefined;
  #chats: ServerProcess[] = [];
  #phase = 'calm';
  #over = false;

  constructor({ seed, mailboxes = 100, dropOfTen = 3, report = () => undefined }: ClusterSoakOptions) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#mailboxes = mailboxes;
    this.#dropOfTen = dropOfTen;
    this.#report = report;
  }

  async run(): Promise<ClusterSoakResult> {
    const cluster = (this.#cluster = await NatsCluster.start());
    this.#report('three servers are up');
    for (const _ of [1, 2]) this.#chats.push(await this.#startChat(cluster));
    this.#report('two chats are up');
    const fsyncs = await this.#countSyncs(cluster);
    this.#report(`fsyncs: ${JSON.stringify(fsyncs)}`);

    for (let i = 0; i < this.#mailboxes; i += 1) this.#boxes.push(this.#openBox(`reader-${i}`));
    const sending = this.#boxes.map((box) => this.#sendOn(box));
    await this.#makeFaults(cluster);
    this.#over = true;
    await Promise.all(sending);
    return this.#judge(fsyncs);
  }

  async clear(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#boxes.flatMap(({ followers }) => followers.map((follower) => follower.close())));
    for (const { sender } of this.#boxes) sender.close();
    await Promise.all(this.#chats.map((chat) => chat.kill()));
    for (const dropper of this.#droppers) dropper.close();
    await this.#cluster?.stop();
    await removeDirectory(this.#dir);
  }

  async #startChat(cluster: NatsCluster): Promise<ServerProcess> {
    const drops = (): boolean => this.#random.between(1, 10) <= this.#dropOfTen;
    const droppers = await Promise.all(cluster.nodes.map(({ port }) => HintDropper.before(port, /\.hint\./, drops)));
    this.#droppers.push(...droppers);
    const servers = droppers.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const monitors = cluster.nodes.map(({ monitor }) => monitor).join(',');
    const env = {
      MAILBOX_STORE: `nats://${servers}?monitor=${monitors}&shards=${SHARDS}`,
      MAILBOX_SEND_RATE: '0',
      NODE_ENV: 'production',
    };
    return ServerProcess.start({ dir: this.#dir, port: await freePort(), command: true }, [], env);
  }

  #openBox(name: string): Box {
    const ledger = new Ledger();
    const random = this.#random.fork();
    const anyPort = (): number => random.pick(this.#chats).port;
    const sender = new Sender({ name: `${name}-friend`, receiver: name, ledger, port: anyPort, timeoutMs: 6000 });
    const followers = this.#chats.map(
      ({ port }) =>
        new Follower({
          mailbox: name,
          port: () => port,
          livesMs: () => random.between(5000, 60_000),
          inQuery: () => random.next() < 0.5,
        }),
    );
    return { name, ledger, sender, followers };
  }

  async #sendOn({ sender }: Box): Promise<void> {
    const random = this.#random.fork();
    while (!this.#over) {
      const begunMs = performance.now();
      const phase = this.#phase;
      await sender.sendOne();
      const tookMs = Math.round(performance.now() - begunMs);
      this.#longest[phase] = Math.max(this.#longest[phase] ?? 0, tookMs);
      await pause(random.between(200, 600));
    }
  }

  async #makeFaults(cluster: NatsCluster): Promise<void> {
    await this.#during('calm', () => pause(CALM_MS));
    for (const time of ['first', 'second']) {
      await this.#during(`the leader killed, ${time} time`, async () => {
        const leader = await this.#leader(cluster);
        await leader.kill();
        await pause(DOWN_MS);
        leader.start();
        await cluster.healthy();
      });
      await this.#during('calm', () => pause(CALM_MS));
    }
    await this.#during('the leader paused for 14 s', async () => {
      const leader = await this.#leader(cluster);
      leader.signal('SIGSTOP');
      await pause(PAUSED_MS);
      leader.signal('SIGCONT');
      await cluster.healthy();
    });
    await this.#during('calm', () => pause(CALM_MS));
    await this.#during('two of three lost and back', async () => {
      const leader = await this.#leader(cluster);
      const other = this.#random.pick(cluster.nodes.filter((node) => node !== leader));
      await Promise.all([leader.kill(), other.kill()]);
      await pause(DOWN_MS);
      leader.start();
      other.start();
      await cluster.healthy();
    });
    await this.#during('calm', () => pause(CALM_MS));
  }

  async #during(phase: string, work: () => Promise<unknown>): Promise<void> {
    this.#phase = phase;
    const before = this.#accepted;
    const begunMs = performance.now();
    await work();
    const tookS = ((performance.now() - begunMs) / 1000).toFixed(1);
    this.#report(`${phase}: ${tookS} s, ${this.#accepted - before} accepted`);
  }

  /** The server that leads most streams of mail. */
  async #leader(cluster: NatsCluster): Promise<NatsNode> {
    const led = new Map<NatsNode, number>();
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const node = await cluster.leaderOf(`MAILBOX_MAIL_${shard}`);
      if (node) led.set(node, (led.get(node) ?? 0) + 1);
    }
    const [most] = [...led].toSorted(([, a], [, b]) => b - a);
    if (!most) throw new Error('no stream has a leader');
    return most[0];
  }

  get #accepted(): number {
    return this.#boxes.reduce((sum, { ledger }) => sum + ledger.accepted, 0);
  }

  /** Messages sent one by one are a batch each. Every server must sync each batch, but one server may lag. */
  async #countSyncs(cluster: NatsCluster): Promise<Record<string, number>> {
    const counting = await Promise.all(cluster.nodes.map((node) => SyncCount.of(node)));
    for (let i = 0; i < ONE_BY_ONE; i += 1) {
      const { status } = await post(this.#chats[0]!.port, {
        sender: 'bob',
        receiver: 'alice',
        message: `message ${i}`,
      });
      if (status !== 201) throw new Error(`not accepted: ${status}`);
    }
    const counts = await Promise.all(counting.map((count) => count.end()));
    return { messages: ONE_BY_ONE, ...Object.fromEntries(cluster.nodes.map(({ name }, i) => [name, counts[i]!])) };
  }

  async #judge(fsyncs: Readonly<Record<string, number>>): Promise<ClusterSoakResult> {
    const complaints: string[] = [];
    const { messages = 0, ...syncs } = fsyncs;
    const synced = Object.values(syncs).filter((count) => count >= messages);
    if (synced.length < 2) complaints.push(`fewer than two servers synced for each message: ${JSON.stringify(fsyncs)}`);
    const verdicts: Verdict[] = [];
    for (const { name, ledger, followers } of this.#boxes) {
      const caughtUp = (): boolean => followers.every(({ texts }) => ledger.isIn(texts));
      await until(`followers of ${name}`, caughtUp, CATCH_UP_MS, 100).catch((error: Error) =>
        complaints.push(error.message),
      );
      const [first, second] = followers;
      if (!isSame(first!.shown, second!.shown))
        complaints.push(`the followers of ${name} were shown different sequences`);
      for (const follower of followers) {
        verdicts.push(ledger.judge(follower.shown));
        complaints.push(...follower.complaints.map((complaint) => `${name}: ${complaint}`));
      }
    }
    const count = (kind: keyof Verdict): number => verdicts.reduce((sum, verdict) => sum + verdict[kind].length, 0);
    return {
      seed: this.#seed,
      accepted: this.#accepted,
      connections: this.#boxes
        .flatMap(({ followers }) => followers)
        .reduce((sum, { connections }) => sum + connections, 0),
      hintsDropped: this.#droppers.reduce((sum, { dropped }) => sum + dropped, 0),
      longestWriteMs: this.#longest,
      fsyncs,
      lost: count('lost'),
      twice: count('twice'),
      reordered: count('reordered'),
      strange: count('strange'),
      complaints,
    };
  }
}

function isSame(one: readonly Shown[], other: readonly Shown[]): boolean {
  return one.length === other.length && one.every(({ id, text }, i) => id === other[i]!.id && text === other[i]!.text);
}

/** `strace -f -c` on a running server. */
class SyncCount {
  readonly #ended: Promise<string>;
  readonly #end: () => void;

  private constructor(ended: Promise<string>, end: () => void) {
    this.#ended = ended;
    this.#end = end;
  }

  static async of({ pid }: NatsNode): Promise<SyncCount> {
    const strace = spawn('strace', ['-f', '-c', '-e', 'trace=fsync,fdatasync', '-p', String(pid)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let text = '';
    const attached = new Promise<void>((resolve) => {
      strace.stderr.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.includes('attached')) resolve();
      });
    });
    const closed = once(strace, 'close').then(() => text);
    await Promise.race([attached, closed]);
    return new SyncCount(closed, () => strace.kill('SIGINT'));
  }

  /** How many times it synced. */
  async end(): Promise<number> {
    this.#end();
    const lines = (await this.#ended).matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?f(?:data)?sync$/gm);
    return Array.from(lines, ([, calls]) => Number(calls)).reduce((sum, calls) => sum + calls, 0);
  }
}
