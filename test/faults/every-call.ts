import { join } from 'node:path';
import { ALICE, Scene, type Judgement } from './kit/scene.ts';
import type { ServerOptions } from './kit/server-process.ts';
import { Strace, type Injection } from './kit/strace.ts';
import { pause } from './kit/wait.ts';
import { takesIn } from './kit/world.ts';

/** One thing that the server does with files, done under faults. */
export interface Operation {
  readonly name: string;
  readonly options?: Partial<ServerOptions>;
  /** Before the faults begin. */
  readonly prepare: (scene: Scene) => Promise<void>;
  /** Ends when what it began has ended, or the server is dead. */
  readonly act: (scene: Scene) => Promise<void>;
  /** The faults begin with the server. */
  readonly atStart?: boolean;
  /** Of a long series of calls, the first so many. */
  readonly most?: number;
  /** Only the calls on these files. */
  readonly paths?: (scene: Scene) => readonly string[];
}

const RETIRE: Operation = {
  name: 'retire a take',
  options: { hurry: 20 },
  most: 20, // it looks who has the take open, with thousands of calls
  prepare: async (scene) => {
    await scene.sender.send(2);
    scene.holdMailbox();
    await scene.follow();
  },
  act: async (scene) => {
    scene.letGoOfMailbox();
    await scene.until('the take is retired', () => takesIn(scene.dir).length === 0);
  },
};

const MOST_CALLS = 100;

export const OPERATIONS: readonly Operation[] = [
  {
    name: 'append to the mailbox',
    prepare: (scene) => scene.sender.send(1),
    act: (scene) => scene.sends(3),
  },
  {
    name: 'append to the log',
    prepare: async (scene) => {
      await scene.sender.send(1);
      await scene.follow();
    },
    act: (scene) => scene.sends(3),
  },
  {
    name: 'drain',
    prepare: async (scene) => {
      await scene.sender.send(2);
      scene.appendForeign();
      scene.append('nonsense without a field\n\n');
      scene.appendForeign();
    },
    act: async (scene) => {
      const following = scene.follow();
      await scene.sends(1);
      await following;
    },
  },
  {
    name: 'rotate',
    options: { segmentBytes: 400 },
    prepare: async (scene) => {
      await scene.sender.send(2);
      await scene.follow();
    },
    act: (scene) => scene.sends(4),
  },
  {
    name: 'rotate while a take is kept',
    options: { segmentBytes: 400 },
    prepare: async (scene) => {
      await scene.sender.send(1);
      scene.appendForeign();
      scene.holdMailbox();
      await scene.follow();
    },
    act: (scene) => scene.sends(4),
  },
  RETIRE,
  {
    name: 'mark',
    prepare: async (scene) => {
      await scene.sender.send(1);
      await scene.follow();
    },
    act: async (scene) => {
      const id = scene.follower!.cursor!;
      await scene.until('the receipt is accepted', async () => (await scene.receipt(id)) === 204);
      await scene.until('the mark is written', () => scene.markFile().includes(id));
    },
  },
  {
    name: 'start',
    atStart: true,
    options: { hurry: 20 },
    most: 40,
    prepare: async (scene) => {
      await scene.sender.send(2);
      scene.holdMailbox();
      await scene.follow();
      await scene.sender.send(1);
      await scene.server.kill();
      scene.letGoOfMailbox();
      scene.appendForeign();
      await scene.start({ hold: true });
    },
    act: (scene) => scene.sends(1),
  },
];

/** Of each of these, every call to the last. */
const IN_DETAIL: readonly Operation[] = [
  {
    ...RETIRE,
    name: 'retire a take, its files',
    most: MOST_CALLS,
    paths: ({ dir }) => [
      ...takesIn(dir).map((take) => join(dir, '.taken', take)),
      join(dir, '.taken', ALICE),
      join(dir, '.delivered', ALICE, '0-0.log'),
    ],
  },
];

export const CALLS: readonly (readonly string[])[] = [
  ['open', 'openat'],
  ['write'],
  ['writev'],
  ['pwrite64', 'pwritev'],
  ['fdatasync'],
  ['fsync'],
  ['rename', 'renameat', 'renameat2'],
  ['link', 'linkat'],
  ['unlink', 'unlinkat'],
  ['mkdir', 'mkdirat'],
  ['rmdir'],
  ['close'],
];

export interface Outcome extends Judgement {
  /** Whether the fault came about at all. */
  readonly struck: boolean;
  readonly died: boolean;
  readonly exitCode: number | null;
}

/** Does one operation with one fault in it (its paths are meant within the directory); restarts the server if that killed it; asks the oracle. */
export async function strike(operation: Operation, injection: Injection): Promise<Outcome> {
  const scene = new Scene(operation.options);
  try {
    await scene.start();
    await operation.prepare(scene);
    const paths = injection.paths?.map((path) => join(scene.dir, path)) ?? operation.paths?.(scene) ?? [];
    const strace = await Strace.attach(scene.server.pid, { ...injection, paths });
    if (operation.atStart) {
      scene.server.begin();
      await scene.server.ready().catch(() => undefined);
    }
    await operation.act(scene);
    await strace.detach();
    const struck = strace.hasStruck || scene.server.isOver;
    if (struck && injection.fault === 'signal=KILL') await scene.server.exited; // it may be told a little later
    strace.forget();
    const died = scene.server.isOver;
    const exitCode = died ? (await scene.server.exited).code : null;
    return { struck, died, exitCode, ...(await scene.judge()) };
  } finally {
    await scene.clear();
  }
}

export interface Series {
  readonly operation: Operation;
  readonly calls: readonly string[];
  readonly fault: string;
  readonly thread: 'main' | 'pool';
  /** Only those on these files, within the directory. */
  readonly paths?: readonly string[];
}

export interface EveryCallResult {
  readonly runs: number;
  readonly kills: number;
  readonly failures: number;
  readonly lost: number;
  readonly twice: number;
  readonly reordered: number;
  readonly strange: number;
  readonly complaints: readonly string[];
}

const STRIKE_MS = 180_000;
const FAILURES = ['error=ENOSPC', 'error=EIO'];
/** The disk took seven bytes, it says. Only of files that promises rest on: what node writes for itself is whole or nothing. */
const CUT_SHORT = {
  calls: ['write'],
  fault: 'retval=7',
  thread: 'main',
  paths: [`${ALICE}.txt`, `.delivered/${ALICE}/0-0.log`],
} as const;
/** node itself cannot do without these: failing them would say nothing about us. */
const NOT_FAILED = new Set(['close', 'writev']);

/** Each operation, each call, each thread: the first of them, the second, … until none is left to strike. */
export async function everyCall(options: {
  report: (line: string) => void;
  only?: string | undefined;
}): Promise<EveryCallResult> {
  const total = { runs: 0, kills: 0, failures: 0, lost: 0, twice: 0, reordered: 0, strange: 0 };
  const complaints: string[] = [];
  for (const series of allSeries(options.only)) {
    const name = `${series.operation.name}, ${series.calls[0]}, ${series.fault}, ${series.thread} thread`;
    let when = 1;
    const most = series.operation.most ?? MOST_CALLS;
    for (; when <= most; when += 1) {
      const striking = strikeIn(series, when).catch((error: Error) => error);
      const outcome = await Promise.race([striking, tooLate()]);
      total.runs += 1;
      if (outcome instanceof Error) {
        complaints.push(`${name}, call ${when}: ${outcome.message}`);
        options.report(complaints.at(-1)!);
        continue;
      }
      if (!outcome.struck) break;
      if (series.fault === 'signal=KILL') total.kills += 1;
      else total.failures += 1;
      for (const what of ['lost', 'twice', 'reordered', 'strange'] as const) total[what] += outcome[what];
      const wrong = wrongIn(outcome, series);
      if (wrong.length > 0) {
        complaints.push(`${name}, call ${when}: ${JSON.stringify(wrong)}`);
        options.report(complaints.at(-1)!);
      }
    }
    if (when > 1) options.report(`${name}: struck ${when - 1} calls`);
  }
  return { ...total, complaints };
}

/** What a run should not have shown. A lock whose removal is made to fail stays: the next one waits until it is stale. */
export function wrongIn({ bad, complaints }: Outcome, { calls, fault }: Pick<Series, 'calls' | 'fault'>): unknown[] {
  const lockMayStay = calls.includes('rmdir') && fault.startsWith('error=');
  return [...bad, ...complaints.filter((complaint) => !(lockMayStay && complaint.startsWith('lock left')))];
}

async function tooLate(): Promise<Error> {
  await pause(STRIKE_MS);
  return new Error(`not over after ${STRIKE_MS} ms`);
}

function strikeIn({ operation, ...injection }: Series, when: number): Promise<Outcome> {
  return strike(operation, { ...injection, when });
}

function allSeries(only: string | undefined): Series[] {
  const operations = [...OPERATIONS, ...IN_DETAIL].filter(({ name }) => only === undefined || name.includes(only));
  return operations.flatMap((operation) => [
    ...CALLS.flatMap((calls) =>
      (['main', 'pool'] as const).flatMap((thread) =>
        ['signal=KILL', ...(NOT_FAILED.has(calls[0]!) ? [] : FAILURES)].map((fault) => ({
          operation,
          calls,
          fault,
          thread,
        })),
      ),
    ),
    { operation, ...CUT_SHORT },
  ]);
}
