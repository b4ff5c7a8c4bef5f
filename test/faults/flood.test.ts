import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { LONG } from './kit/fault-test.ts';
import { Ledger, isClean } from './kit/ledger.ts';
import { ALL_WELL, Scene } from './kit/scene.ts';
import { Sender, post } from './kit/sender.ts';
import { pause, until } from './kit/wait.ts';
import { namesIn, replay } from './kit/world.ts';

const AT_ONCE = 16;
const PER_SECOND = 50;
const MAX_MAILBOXES = 30;
const MAX_WAITING = 80;

/** One client at an address of its own that sends as fast as it can, under made-up names, half of it to one mailbox. */
class Flood {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE, localAddress: '127.0.0.2' });
  readonly #port: number;
  readonly answers = new Map<string, number>();
  #sent = 0;
  #over = false;
  readonly #sending: Promise<unknown>;

  constructor(port: number) {
    this.#port = port;
    this.#sending = Promise.all(Array.from({ length: AT_ONCE }, () => this.#send()));
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#sending;
    this.#agent.destroy();
  }

  async #send(): Promise<void> {
    while (!this.#over) {
      const number = this.#sent++;
      const receiver = number % 2 === 0 ? 'victim' : `victim${number}`;
      const message = { sender: `mallory${number}`, receiver, message: 'x'.repeat(500) };
      const { status, body } = await post(this.#port, message, { agent: this.#agent });
      const answer = `${status} ${body.error ?? 'accepted'}`;
      this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
    }
  }
}

function percentile(percent: number, values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil((percent / 100) * values.length) - 1]!;
}

test('one client that floods many mailboxes meets every cap, and the others are served as before', async () => {
  const scene = await Scene.open({ sendRate: PER_SECOND, maxNewMailboxes: MAX_MAILBOXES, maxWaiting: MAX_WAITING });
  const ledger = new Ledger();
  const away = new Sender({ name: 'carol', receiver: 'dave', ledger, port: () => scene.port });
  let flood: Flood | undefined;
  try {
    await scene.sender.send(1);
    await scene.follow();
    await away.send(1);
    flood = new Flood(scene.port);
    const caps = ['201 accepted', '429 RATE_LIMITED', '507 MAILBOX_FULL'];
    await until('all caps to be met', () => caps.every((cap) => (flood!.answers.get(cap) ?? 0) > 50));

    const tookMs: number[] = [];
    for (let i = 0; i < (LONG ? 1000 : 40); i += 1) {
      const sender = i % 20 === 0 ? away : scene.sender; // who is away may have so much mail and no more
      const startedMs = performance.now();
      await sender.sendOne();
      tookMs.push(performance.now() - startedMs);
      await pause(25); // no faster than one person may
    }
    await flood.stop();
    const dave = await replay(scene.port, 'dave', ledger);

    expect([...flood.answers.keys()].toSorted()).toEqual(caps);
    if (LONG) console.log(`p50 ${percentile(50, tookMs)} ms, p99 ${percentile(99, tookMs)} ms`, flood.answers);
    expect([scene.sender.refusals.size, away.refusals.size]).toEqual([0, 0]);
    const made = namesIn(scene.dir).filter((name) => name.endsWith('.txt'));
    expect(made).toHaveLength(MAX_MAILBOXES);
    expect(readFileSync(join(scene.dir, 'victim.txt'), 'utf8').match(/^data: /gm)).toHaveLength(MAX_WAITING);
    expect(percentile(99, tookMs)).toBeLessThan(1000);
    expect(isClean(ledger.judge(dave.shown))).toBe(true);
    expect(await scene.judge()).toEqual(ALL_WELL);
  } finally {
    await flood?.stop();
    away.close();
    await scene.clear();
  }
}, 120_000);
