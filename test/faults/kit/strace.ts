import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tracked } from './server-process.ts';
import { until } from '../../support/until.ts';

export interface Injection {
  /** A system call, or several that we treat as one. */
  readonly calls: readonly string[];
  /** Which of these calls, counted from 1. Default: every one. */
  readonly when?: number;
  /** What happens at the call, in strace's form: `signal=KILL`, `error=EIO`, `delay_enter=3000000`, `retval=0`. */
  readonly fault: string;
  /** Only calls on these files. */
  readonly paths?: readonly string[];
  /** Node makes most calls in the main thread; fdatasync and the calls for locks, in the one thread of its pool. */
  readonly thread?: 'main' | 'pool';
}

let count = 0;

/** Whether strace can attach to our processes on this machine. */
export function canInject(): boolean {
  return spawnSync('strace', ['-o', '/dev/null', '-e', 'inject=fsync:error=EIO', 'true']).status === 0;
}

/** The environment of a server to be traced: one pool thread, so that its calls can be counted. */
export const COUNTABLE = { UV_THREADPOOL_SIZE: '1' };

/** Injects faults into the system calls of a running process. */
export class Strace {
  readonly #child: ChildProcess;
  readonly #output: string;
  readonly #exited: Promise<void>;
  #isOver = false;

  private constructor(child: ChildProcess, output: string) {
    this.#child = tracked(child);
    this.#output = output;
    this.#exited = new Promise((done) =>
      child.once('exit', () => {
        this.#isOver = true;
        done();
      }),
    );
  }

  /** Resolves when strace sees every further call. */
  static async attach(pid: number, { calls, when, fault, paths = [], thread }: Injection): Promise<Strace> {
    const threads = thread === undefined ? [`${pid}`] : threadsOf(pid, thread);
    const set = calls.map((call) => `?${call}`).join(',');
    const output = `/tmp/strace-${process.pid}-${count++}`;
    const inject = `inject=${set}:${fault}${when === undefined ? '' : `:when=${when}`}`;
    const args = ['-o', output, '-e', `trace=${set}`, '-e', inject];
    for (const path of paths) args.push('-P', path);
    for (const tid of threads) args.push('-p', tid);
    if (thread === undefined) args.push('-f');
    const child = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    const strace = new Strace(child, output);
    const isAttached = (): boolean =>
      strace.#isOver || threads.every((tid) => said.includes(`Process ${tid} attached`));
    await until('strace to attach', isAttached, 10_000, 2);
    if (fault === 'signal=KILL') strace.#insist(pid);
    if (strace.#isOver && !said.includes('attached')) throw new Error(`strace could not attach: ${said}`);
    return strace;
  }

  /** Kills again: sometimes strace hangs when a process with many threads dies, and the process hangs with it. */
  #insist(pid: number): void {
    const timer = setInterval(() => {
      if (this.#isOver) clearInterval(timer);
      else if (this.hasStruck) {
        this.#child.kill('SIGKILL');
        spawnSync('kill', ['-KILL', `${pid}`]); // if it still exists
      }
    }, 1000);
  }

  get hasStruck(): boolean {
    try {
      return /INJECTED|killed by SIGKILL|DELAYED/.test(readFileSync(this.#output, 'utf8'));
    } catch {
      return false;
    }
  }

  /** Detaches from the process if it still exists. */
  async detach(): Promise<void> {
    if (!this.#isOver) this.#child.kill('SIGINT');
    await this.#exited;
  }

  forget(): void {
    rmSync(this.#output, { force: true });
  }
}

function threadsOf(pid: number, thread: 'main' | 'pool'): string[] {
  if (thread === 'main') return [`${pid}`];
  return readdirSync(join('/proc', `${pid}`, 'task')).filter((tid) => tid !== `${pid}`);
}
