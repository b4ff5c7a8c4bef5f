import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { LONG } from './kit/fault-test.ts';
import { Ledger, isClean } from './kit/ledger.ts';
import { ALL_WELL, Scene } from './kit/scene.ts';
import { Sender, post } from './kit/sender.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../support/until.ts';
import { namesIn, replay } from './kit/world.ts';

const AT_ONCE = 16;
const PER_SECOND = 50;
const MAX_MAILBOXES = 30;
const MAX_WAITING = 80;

/** A client at its own address that sends as fast as it can under made-up names, half of the messages to one mailbox. */
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

/** How many ms messages took, sent as fast as one person may. A receiver who is away gets few: only few may wait. */
async function timesOf(count: number, toWhoListens: Sender, toWhoIsAway: Sender): Promise<number[]> {
  const tookMs: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const startedMs = performance.now();
    await (i % 30 === 0 ? toWhoIsAway : toWhoListens).sendOne();
    tookMs.push(performance.now() - startedMs);
    await pause(25);
  }
  return tookMs;
}

function p50And99(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return [50, 99].map((percent) => sorted[Math.ceil((percent / 100) * sorted.length) - 1]!);
}

test('a client that floods many mailboxes hits every limit, while others are served as before', async () => {
  const scene = await Scene.open({ sendRate: PER_SECOND, maxNewMailboxes: MAX_MAILBOXES, maxWaiting: MAX_WAITING });
  const ledger = new Ledger();
  const away = new Sender({ name: 'carol', receiver: 'dave', ledger, port: () => scene.port });
  let flood: Flood | undefined;
  try {
    await scene.sender.send(1);
    await scene.follow();
    await away.send(1);
    const inPeace = LONG ? await timesOf(1000, scene.sender, away) : [];
    flood = new Flood(scene.port);
    const caps = ['201 accepted', '429 RATE_LIMITED', '507 MAILBOX_FULL'];
    await until('all caps to be met', () => caps.every((cap) => (flood!.answers.get(cap) ?? 0) > 50));

    const tookMs = await timesOf(LONG ? 1000 : 40, scene.sender, away);
    await flood.stop();
    const dave = await replay(scene.port, 'dave', ledger);

    expect([...flood.answers.keys()].toSorted()).toEqual(caps);
    if (LONG) console.log({ inPeace: p50And99(inPeace), flooded: p50And99(tookMs) }, flood.answers);
    expect([scene.sender.refusals.size, away.refusals.size]).toEqual([0, 0]);
    const made = namesIn(scene.dir).filter((name) => name.endsWith('.txt'));
    expect(made).toHaveLength(MAX_MAILBOXES);
    expect(readFileSync(join(scene.dir, 'victim.txt'), 'utf8').match(/^data: /gm)).toHaveLength(MAX_WAITING);
    expect(p50And99(tookMs)[1]).toBeLessThan(1500); // allows for a busy machine
    expect(isClean(ledger.judge(dave.shown))).toBe(true);
    expect(await scene.judge()).toEqual(ALL_WELL);
  } finally {
    await flood?.stop();
    away.close();
    await scene.clear();
  }
}, 120_000);
