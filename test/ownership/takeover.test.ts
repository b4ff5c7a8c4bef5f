import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Follower } from '../faults/kit/follower.ts';
import { Ledger } from '../faults/kit/ledger.ts';
import { Sender, post } from '../faults/kit/sender.ts';
import { ServerProcess } from '../faults/kit/server-process.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../support/until.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { buildPackage } from '../support/built-package.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { ownerOf } from './kit.ts';

const NOTHING_WRONG = { lost: [], twice: [], reordered: [], strange: [] };
const SENDERS = 8;

/** Several servers on one directory. Through each of them, people send to alice and follow her mailbox. */
class Stage {
  readonly dir = temporaryDirectory();
  readonly ledger = new Ledger();
  readonly followers: Follower[] = [];
  servers: ServerProcess[] = [];
  /** When and through which server each message was accepted. */
  readonly accepted: { readonly at: number; readonly through: ServerProcess }[] = [];
  #over = false;
  #sending: Promise<void>[] = [];

  static async open(servers: number): Promise<Stage> {
    buildPackage();
    const stage = new Stage();
    afterThisTest(() => stage.#clear());
    for (let i = 0; i < servers; i += 1) await stage.start();
    return stage;
  }

  async start(): Promise<ServerProcess> {
    const server = await ServerProcess.start({ dir: this.dir });
    this.servers.push(server);
    return server;
  }

  get owner(): ServerProcess {
    const living = this.servers.filter(({ isOver }) => !isOver);
    const pid = ownerOf(
      this.dir,
      living.map((server) => server.pid),
    );
    return living.find((server) => server.pid === pid) ?? living[0]!; // for a moment there is no owner
  }

  get fronts(): ServerProcess[] {
    const { owner } = this;
    return this.servers.filter((server) => !server.isOver && server !== owner);
  }

  /** Begins to send through these servers, and to follow the mailbox at each of them. */
  load(through: readonly ServerProcess[]): void {
    for (const server of through) {
      this.followers.push(new Follower({ mailbox: 'alice', port: () => this.#alive(server).port }));
    }
    for (let i = 0; i < SENDERS; i += 1) this.#sending.push(this.#sendOn(i, through[i % through.length]!));
  }

  /** Ends the sending, and checks what each follower got. */
  async judge(): Promise<object[]> {
    this.#over = true;
    await Promise.all(this.#sending);
    await until('everything has come', () => this.followers.every(({ texts }) => this.ledger.isIn(texts)), 20_000);
    return this.followers.map(({ shown, complaints }) => ({ ...this.ledger.judge(shown), complaints }));
  }

  /** The longest time without a message accepted through one of these servers, in ms. */
  longestGap(through: readonly ServerProcess[]): number {
    const times = this.accepted.filter((each) => through.includes(each.through)).map(({ at }) => at);
    return Math.max(...times.map((at, i) => at - (times[i - 1] ?? at)));
  }

  hasAccepted(count: number): Promise<boolean> {
    const from = this.accepted.length;
    return until(`${count} more messages`, () => this.accepted.length >= from + count, 20_000, 5);
  }

  #alive(server: ServerProcess): ServerProcess {
    return (server.isOver && this.servers.find(({ isOver }) => !isOver)) || server;
  }

  async #sendOn(number: number, server: ServerProcess): Promise<void> {
    const options = { name: `friend${number}`, receiver: 'alice', ledger: this.ledger, timeoutMs: 20_000 };
    const sender = new Sender({ ...options, port: () => this.#alive(server).port });
    while (!this.#over) {
      await sender.sendOne();
      this.accepted.push({ at: performance.now(), through: this.#alive(server) });
    }
    sender.close();
  }

  async #clear(): Promise<void> {
    this.#over = true;
    await Promise.all(this.followers.map((follower) => follower.close()));
    await Promise.all(this.servers.map((server) => server.kill()));
  }
}

/** One second, and some time for a busy machine. */
const SOON_MS = 5000;

const well = (count: number): object[] => Array.from({ length: count }, () => ({ ...NOTHING_WRONG, complaints: [] }));

describe('when the owner of a directory', () => {
  test('is killed, another process soon takes its place; nothing is lost and nothing comes twice', async () => {
    const stage = await Stage.open(3);
    const { owner, fronts } = stage;
    stage.load(fronts);
    await stage.hasAccepted(50);

    await owner.kill();
    await stage.hasAccepted(200);

    expect(fronts).toContain(stage.owner);
    expect(await stage.judge()).toEqual(well(2));
    expect(stage.longestGap(fronts)).toBeLessThan(SOON_MS);
  });

  test('is killed, and its successors too, nothing is lost and nothing comes twice', async () => {
    const stage = await Stage.open(4);
    stage.load(stage.servers);

    for (let i = 0; i < 3; i += 1) {
      await stage.hasAccepted(50);
      await stage.owner.kill();
      await stage.start();
    }
    await stage.hasAccepted(50);

    expect(await stage.judge()).toEqual(well(4));
  });

  test('is killed, messages without a key are accepted by its successor, and none comes twice', async () => {
    const stage = await Stage.open(2);
    const [front] = stage.fronts as [ServerProcess];
    const follower = new Follower({ mailbox: 'alice', port: () => front.port });
    stage.followers.push(follower);
    const sending = { isOver: false };
    const sendOn = async (sender: string): Promise<void> => {
      for (let i = 0; !sending.isOver; i += 1) {
        const message = stage.ledger.post(sender, i);
        const { status } = await post(front.port, { sender, receiver: 'alice', message });
        expect(status).toBeLessThan(300);
        stage.ledger.accept(message);
      }
    };
    const all = Promise.all(Array.from({ length: 32 }, (_, i) => sendOn(`friend${i}`)));
    await until('some messages', () => stage.ledger.accepted > 100);

    await stage.owner.kill();
    const before = stage.ledger.accepted;
    await until('more messages', () => stage.ledger.accepted > before + 100);
    sending.isOver = true;
    await all;

    expect(await stage.judge()).toEqual(well(1));
  });

  test('is stopped for 3 s, requests wait for it, and nobody takes its place', async () => {
    const stage = await Stage.open(2);
    const { owner, fronts } = stage;
    stage.load(fronts);
    await stage.hasAccepted(50);

    owner.signal('SIGSTOP');
    await pause(3000);
    const acceptedBy = stage.accepted.length;
    owner.signal('SIGCONT');
    await stage.hasAccepted(50);

    expect(stage.owner).toBe(owner);
    expect(stage.longestGap(fronts)).toBeGreaterThan(2000);
    expect(acceptedBy).toBeGreaterThanOrEqual(50);
    expect(await stage.judge()).toEqual(well(1));
  });

  test('ends after another process was started, no request waits for long', async () => {
    const stage = await Stage.open(2);
    const front = stage.fronts[0]!;
    stage.load([front]);

    for (let i = 0; i < 3; i += 1) {
      await stage.hasAccepted(50);
      const before = stage.servers.find((server) => server !== front && !server.isOver)!;
      await stage.start();
      expect(await before.terminate()).toEqual({ code: 0, signal: null });
    }
    await stage.hasAccepted(50);

    expect(await stage.judge()).toEqual(well(1));
    expect(stage.longestGap([front])).toBeLessThan(SOON_MS);
  });

  test('loses its socket, it makes another one; nothing is lost and nothing comes twice', async () => {
    const stage = await Stage.open(2);
    stage.load(stage.servers);
    await stage.hasAccepted(50);
    const socket = join(stage.dir, '.owner/socket');

    rmSync(socket);
    await until('another socket', () => existsSync(socket));
    await stage.hasAccepted(50);

    expect(await stage.judge()).toEqual(well(2));
  });
});

test('A server that is started after kill -9 accepts mail where the dead one left a lock', async () => {
  const stage = await Stage.open(1);
  stage.load(stage.servers);
  await stage.hasAccepted(50);
  await stage.owner.kill();
  for (const name of ['alice', 'bob']) mkdirSync(join(stage.dir, '.locks', `${name}.lock`), { recursive: true });

  const { port } = await stage.start();
  const message = stage.ledger.post('bob', 0);
  const { status } = await post(port, { sender: 'bob', receiver: 'alice', message });
  stage.ledger.accept('bob:0');

  expect(status).toBe(201);
  expect(await stage.judge()).toEqual(well(1));
});
