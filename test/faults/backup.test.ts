import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from '@jest/globals';
import { BIN } from '../command/running.ts';
import { LONG, testWithStrace } from './kit/fault-test.ts';
import { Follower } from './kit/follower.ts';
import { ForeignWriter } from './kit/foreign-writer.ts';
import { FOREIGN, Ledger } from './kit/ledger.ts';
import { Sender } from './kit/sender.ts';
import { ServerProcess, freePort } from './kit/server-process.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../support/until.ts';
import { replay, shorten } from './kit/world.ts';
import { removeDirectory, makeDirectory } from '../support/make-directory.ts';

const run = promisify(execFile);
const MAILBOX = 'alice';
const BACKUPS = LONG ? 60 : 4;

/** Slows each file down by 60 ms: time for mail to move between the places that are copied. */
const SLOWLY = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fsync', '-e', 'inject=fsync:delay_enter=60000'];

/** Compares what a server on the copy shows with what was accepted before the backup began. */
async function judged(copy: string, before: Ledger, now: Ledger): Promise<object> {
  before.alsoPosted(now);
  const server = await ServerProcess.start({ dir: copy, command: true });
  try {
    const { shown, complaints } = await replay(server.port, MAILBOX, before, 10_000);
    const { lost, twice, reordered, strange } = before.judge(shown);
    // Foreign mail may come twice, the second time after mail that it once preceded.
    const ours = (texts: string[]): string[] => texts.filter((text) => !text.startsWith(FOREIGN));
    return { ...shorten({ lost, twice: ours(twice), reordered: ours(reordered), strange }), complaints };
  } finally {
    await server.terminate();
  }
}

testWithStrace(
  'a backup of a running server has everything accepted before it began, in order, and our messages once',
  async () => {
    const world = makeDirectory();
    const dir = join(world, 'mailboxes');
    const ledger = new Ledger();
    const port = await freePort();
    const server = await ServerProcess.start({ dir, port, command: true });
    const senders = ['bob', 'carol'].map(
      (name) => new Sender({ name, receiver: MAILBOX, ledger, port: () => port, timeoutMs: 10_000 }),
    );
    // Connected only some of the time, so that mail goes both ways: into the log at once, and through mailbox and takes.
    const livesMs = (): number => 20 + Math.random() * 100;
    const awayMs = (): number => 200 + Math.random() * 1000;
    const follower = new Follower({ mailbox: MAILBOX, port: () => port, livesMs, awayMs });
    await senders[0]!.sendOne();
    const foreign = (['dash', 'php'] as const).map(
      (kind) => new ForeignWriter({ kind, mailboxFile: join(dir, `${MAILBOX}.txt`), ledger, burst: 10, restMs: 50 }),
    );
    const over = new AbortController();
    const sending = senders.map(async (sender) => {
      while (!over.signal.aborted) await sender.sendOne();
    });

    const results: object[] = [];
    try {
      for (let i = 0; i < BACKUPS; i += 1) {
        await pause(Math.random() * 300);
        const copy = join(world, `copy-${i}`);
        const before = ledger.upToNow();
        await run('strace', [...SLOWLY, process.execPath, BIN, 'backup', copy, '--dir', dir]);
        results.push(await judged(copy, before, ledger));
      }
    } finally {
      over.abort();
      await Promise.all([...sending, ...foreign.map((writer) => writer.stop())]);
      await until('everything has been shown', () => ledger.isIn(follower.texts)).catch(() => undefined);
      await follower.close();
      await server.terminate();
      for (const sender of senders) sender.close();
      await removeDirectory(world);
    }

    const well = { lost: [], twice: [], reordered: [], strange: [], complaints: [] };
    expect(results).toEqual(results.map(() => well));
    expect(ledger.foreign).toBeGreaterThan(100);
  },
  600_000,
);
