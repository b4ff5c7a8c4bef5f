import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FOREIGN, Ledger } from './ledger.ts';
import { MovableClock } from './movable-clock.ts';
import { ALICE, Scene } from './scene.ts';
import { Sender } from './sender.ts';
import { ServerProcess, type ServerOptions } from './server-process.ts';
import { Strace } from './strace.ts';
import { replay } from './world.ts';

/** Speeds up idle times, so that a server soon handles files that nobody writes to any more. */
export const HURRY = { hurry: 20 };

/** Runs `work` with a server on the directory. */
async function served(
  options: ServerOptions,
  work: (port: number) => Promise<unknown>,
  via: readonly string[] = [],
): Promise<void> {
  const server = await ServerProcess.start({ command: true, ...options }, via);
  try {
    await work(server.port);
    await server.terminate();
  } finally {
    await server.kill();
  }
}

/** Somebody who sends before the faults begin. */
function earlier(ledger: Ledger, port: number): Sender {
  return new Sender({ name: 'earlier', receiver: ALICE, ledger, port: () => port });
}

/** Mail that was received, in many small pieces. */
export async function manyPieces(dir: string, ledger: Ledger): Promise<void> {
  await served({ dir, ...HURRY }, async (port) => {
    const sender = earlier(ledger, port);
    for (let i = 0; i < 40; i += 1) {
      await sender.sendOne();
      await replay(port, ALICE, ledger);
    }
    sender.close();
  });
}

/** Mail that was received three days ago: it may be dropped, and so may come or not. */
export async function oldMail(dir: string, ledger: Ledger): Promise<void> {
  const clock = new MovableClock();
  clock.set('-3d');
  const spoken = new Ledger();
  const options = { dir, ...HURRY, args: ['--max-message', '32000'] };
  const work = async (port: number): Promise<void> => {
    const sender = earlier(spoken, port);
    for (let i = 0; i < 12; i += 1) {
      await sender.send(2);
      const { cursor } = await replay(port, ALICE, spoken);
      await received(port, cursor!);
    }
    sender.close();
  };
  await served(options, work, clock.via);
  await clock.remove();
  ledger.alsoPosted(spoken);
}

async function received(port: number, delivered: string): Promise<void> {
  const headers = { 'Content-Type': 'application/json' };
  const body = JSON.stringify({ receiver: ALICE, delivered });
  const { status } = await fetch(`http://127.0.0.1:${port}/receipts`, { method: 'POST', headers, body });
  if (status !== 204) throw new Error(`the receipt was answered with ${status}`);
}

/** A mailbox whose server died in the middle of taking it. */
export async function takenHalf(dir: string, ledger: Ledger): Promise<void> {
  const scene = new Scene({ dir, command: true }, ledger);
  await scene.start();
  const sender = earlier(ledger, scene.port);
  await sender.send(3);
  sender.close();
  const strace = await Strace.attach(scene.server.pid, { calls: ['link', 'linkat'], fault: 'signal=KILL', when: 1 });
  await scene.follow();
  await scene.drained();
  await strace.detach();
  strace.forget();
  await scene.clear();
}

/** A directory of version 1, in which henry is renamed to alice. */
export function versionOne(dir: string, ledger: Ledger): Promise<void> {
  const made = join(import.meta.dirname, '../version-1');
  cpSync(join(made, 'mailboxes'), dir, { recursive: true, preserveTimestamps: true });
  for (const [from, to] of [
    ['henry.txt', `${ALICE}.txt`],
    ['.delivered/henry', `.delivered/${ALICE}`],
    ['.taken/henry', `.taken/${ALICE}`],
    ['.torn/henry', `.torn/${ALICE}`],
    ['.marks/henry.json', `.marks/${ALICE}.json`],
  ] as const) {
    cpSync(join(dir, from), join(dir, to), { recursive: true, preserveTimestamps: true });
    rmSync(join(dir, from), { recursive: true });
  }
  const expected = JSON.parse(readFileSync(join(made, 'expected.json'), 'utf8')) as { henry: { text: string }[] };
  for (const { text } of expected.henry) ledger.knows(text, `${FOREIGN}version 1`);
  return Promise.resolve();
}

/** Mail that will be forgotten: it may be gone afterwards or not. */
export async function forgettable(dir: string, ledger: Ledger): Promise<void> {
  const spoken = new Ledger();
  await served({ dir }, async (port) => {
    const sender = earlier(spoken, port);
    await sender.send(3);
    await replay(port, ALICE, spoken);
    await sender.send(2);
    sender.close();
  });
  ledger.alsoPosted(spoken);
}
