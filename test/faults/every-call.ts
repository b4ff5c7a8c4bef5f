import { join } from 'node:path';
import { Ledger } from './kit/ledger.ts';
import { ALICE, Scene, type Judgement } from './kit/scene.ts';
import { ServerProcess } from './kit/server-process.ts';
import { Strace, type Injection } from './kit/strace.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { copyDirectory } from './kit/world.ts';
import { makeDirectory } from '../support/make-directory.ts';
import { OPERATIONS, type Operation } from './operations.ts';

const MOST_CALLS = 100;

export const CALLS: readonly (readonly string[])[] = [
  ['open', 'openat'],
  ['write'],
  ['writev'],
  ['pwrite64', 'pwritev'],
  ['fdatasync'],
  ['fsync'],
  ['ftruncate', 'truncate'],
  ['rename', 'renameat', 'renameat2'],
  ['link', 'linkat'],
  ['unlink', 'unlinkat'],
  ['mkdir', 'mkdirat'],
  ['rmdir'],
  ['connect'],
  ['bind', 'listen'],
  ['close'],
];

export interface Outcome extends Judgement {
  /** Whether the fault happened at all. */
  readonly struck: boolean;
  readonly died: boolean;
  readonly exitCode: number | null;
}

const worlds = new Map<string, { readonly dir: string; readonly ledger: Ledger }>();

/** A scene in its own copy of a world. The world itself is made once. */
async function sceneOf({ name, world, options }: Operation): Promise<Scene> {
  if (!world) return new Scene({ ...options, command: true });
  const made = worlds.get(name) ?? { dir: makeDirectory(), ledger: new Ledger() };
  if (!worlds.has(name)) await world(made.dir, made.ledger);
  worlds.set(name, made);
  const scene = new Scene({ ...options, command: true }, made.ledger.upToNow());
  copyDirectory(made.dir, scene.dir);
  return scene;
}

async function setUp(scene: Scene, { companion, prepare, atStart }: Operation): Promise<void> {
  const start = (): Promise<ServerProcess> => ServerProcess.start({ dir: scene.dir, command: true });
  if (companion === 'first') scene.companion = await start();
  await scene.start(atStart && !prepare ? { hold: true } : {});
  if (companion === 'front') scene.front = scene.companion = await start();
  await prepare?.(scene);
}

/** Does one operation with one fault, restarts the server if the fault killed it, and judges. Paths are relative to the directory. */
export async function strike(operation: Operation, injection: Injection): Promise<Outcome> {
  const scene = await sceneOf(operation);
  try {
    await setUp(scene, operation);
    const paths = injection.paths?.map((path) => join(scene.dir, path)) ?? [];
    const strace = await Strace.attach(scene.server.pid, { ...injection, paths });
    if (operation.atStart) {
      scene.server.begin();
      await scene.server.ready().catch(() => undefined);
    }
    await operation.act(scene);
    await strace.detach();
    const struck = strace.hasStruck || scene.server.isOver;
    if (struck && injection.fault === 'signal=KILL') await scene.server.exited; // its exit may be reported a little later
    strace.forget();
    const died = scene.server.isOver;
    const exitCode = died ? (await scene.server.exited).code : null;
    const judgement = await scene.judge();
    const more = (await operation.check?.(scene)) ?? [];
    return { struck, died, exitCode, ...judgement, complaints: [...judgement.complaints, ...more] };
  } finally {
    await scene.clear();
  }
}

export interface Series {
  readonly operation: Operation;
  readonly calls: readonly string[];
  readonly fault: string;
  readonly thread: 'main' | 'pool';
  /** Only calls on these files, relative to the directory. */
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
/** A short write of seven bytes. Only on mailboxes: what Node writes for itself is written whole or not at all. */
const CUT_SHORT = {
  calls: ['write'],
  fault: 'retval=7',
  thread: 'main',
  paths: [`${ALICE}.txt`],
} as const;
/** Node itself depends on these: if they failed, that would say nothing about our code. */
const NOT_FAILED = new Set(['close', 'writev', 'bind']);

/** Strikes each call of each operation in each thread: the first one, the second one, … until there are no more. */
export async function everyCall(options: {
  report: (line: string) => void;
  /** Part of the name of an operation, and of a fault. */
  only?: string | undefined;
  fault?: string | undefined;
}): Promise<EveryCallResult> {
  const total = { runs: 0, kills: 0, failures: 0, lost: 0, twice: 0, reordered: 0, strange: 0 };
  const complaints: string[] = [];
  for (const series of allSeries(options.only, options.fault)) {
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

type Struck = Pick<Series, 'calls' | 'fault'> & Partial<Pick<Series, 'operation'>>;

/** What should not have happened in a run. A lock whose removal fails may stay: the next holder waits until it is stale. */
export function wrongIn({ bad, complaints, died }: Outcome, { calls, fault, operation }: Struck): unknown[] {
  const isFailure = fault.startsWith('error=');
  const lockMayStay = calls.includes('rmdir') && isFailure;
  const mayEnd = !isFailure || operation?.atStart || calls.some((call) => call.endsWith('sync'));
  const wrong = [...bad, ...complaints.filter((complaint) => !(lockMayStay && complaint.startsWith('lock left')))];
  return died && !mayEnd ? [...wrong, 'the server ended, though no sync had failed'] : wrong;
}

async function tooLate(): Promise<Error> {
  await pause(STRIKE_MS);
  return new Error(`not over after ${STRIKE_MS} ms`);
}

function strikeIn({ operation, ...injection }: Series, when: number): Promise<Outcome> {
  return strike(operation, { ...injection, when });
}

function allSeries(only = '', fault = ''): Series[] {
  const series = OPERATIONS.flatMap((operation) => [
    ...CALLS.flatMap((calls) =>
      (['main', 'pool'] as const).flatMap((thread) => faultsAt({ operation, calls, thread })),
    ),
    { operation, ...CUT_SHORT },
  ]);
  return series.filter((each) => each.operation.name.includes(only) && each.fault.includes(fault));
}

function faultsAt(where: Omit<Series, 'fault'>): Series[] {
  const [call = ''] = where.calls;
  const kill = { ...where, fault: 'signal=KILL' };
  if (NOT_FAILED.has(call)) return [kill];
  // Node also writes for itself, and depends on that.
  const paths = call === 'write' ? { paths: CUT_SHORT.paths } : {};
  return [kill, ...FAILURES.map((fault) => ({ ...where, ...paths, fault }))];
}
