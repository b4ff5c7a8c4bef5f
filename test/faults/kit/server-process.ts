import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

export interface ServerOptions {
  readonly dir: string;
  /** Default: a free one outside the range that the system hands out, so that it is still free at a restart. */
  readonly port?: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  readonly pieceBytes?: number;
  readonly keepMs?: number;
  readonly keepBytes?: number;
  readonly maxWaiting?: number;
  readonly maxWaitingBytes?: number;
  readonly maxNewMailboxes?: number;
  /** Messages per second and person. Default: no limit. */
  readonly sendRate?: number;
  readonly takeKeepMs?: number;
  readonly watch?: boolean;
  readonly clockOffsetMs?: number;
  /** Idle times pass faster by this factor. */
  readonly hurry?: number;
  /** Loads the server, which begins only with `begin()`. */
  readonly hold?: boolean;
  /** How long SIGUSR2 blocks its event loop. */
  readonly blockMs?: number;
  readonly verbose?: boolean;
  /** Runs the command as users start it, instead of mailbox-server.mjs. */
  readonly command?: boolean;
  /** More arguments for its command line. */
  readonly args?: readonly string[];
}

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

const RUNNER = resolve(import.meta.dirname, 'mailbox-server.mjs');
const PRELOAD = resolve(import.meta.dirname, 'preload.mjs');
const READY_MS = 60_000;

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Keeps track of a process, so that it does not outlive the tests. */
export function tracked(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** A server under test. `via`: the command that runs it, such as `['strace', …]`. */
export class ServerProcess {
  readonly port: number;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #errors = '';
  #isOver = false;

  private constructor(child: ChildProcess, port: number) {
    this.port = port;
    this.#child = tracked(child);
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    child.stderr!.on('data', (text: Buffer) => (this.#errors = (this.#errors + text.toString()).slice(-20_000)));
    child.stdin!.on('error', () => undefined); // it may die before it reads this
    this.exited = new Promise((done) =>
      child.once('exit', (code, signal) => {
        this.#isOver = true;
        done({ code, signal });
      }),
    );
  }

  /** Resolves when it listens or holds. Rejects if it dies before that. */
  static async start(options: ServerOptions, via: readonly string[] = [], env: object = {}): Promise<ServerProcess> {
    const server = await ServerProcess.spawn(options, via, env);
    await server.ready();
    return server;
  }

  static async spawn(options: ServerOptions, via: readonly string[] = [], env: object = {}): Promise<ServerProcess> {
    const port = options.port ?? (await freePort());
    const program = options.command
      ? commandLine({ ...options, port })
      : [RUNNER, JSON.stringify({ ...options, port })];
    const command = [...via, process.execPath, ...program];
    const { hold = false, hurry = 1 } = options;
    const child = spawn(command[0]!, command.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', PRELOAD: JSON.stringify({ hold, hurry }), ...env },
    });
    return new ServerProcess(child, port);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get errors(): string {
    return this.#errors;
  }

  /** Waits for the next line that it prints: held or ready. */
  async ready(): Promise<void> {
    await this.#says();
  }

  /** The memory it holds, in bytes, without garbage. */
  async heldBytes(): Promise<number> {
    this.signal('SIGPWR');
    return (JSON.parse(await this.#says()) as { heldBytes: number }).heldBytes;
  }

  async #says(): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the server did not answer in time: ${this.#errors}`)), READY_MS);
    });
    const { done, value } = await Promise.race([this.#lines.next(), late]);
    clearTimeout(timer);
    if (done) throw new Error(`the server ended before it answered: ${this.#errors}`);
    return value;
  }

  /** Lets a held server begin. */
  begin(): void {
    this.#child.stdin!.write('begin\n');
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#isOver) process.kill(this.pid, name);
  }

  kill(): Promise<Exit> {
    this.signal('SIGKILL');
    return this.exited;
  }

  terminate(): Promise<Exit> {
    this.signal('SIGTERM');
    return this.exited;
  }
}

export const BIN = resolve(
  process.env['CHAT_DIST'] ?? resolve(import.meta.dirname, '../../../dist'),
  '../bin/mailbox-chat.cjs',
);

function commandLine({ dir, port, sendRate = 0, args = [] }: ServerOptions): string[] {
  const options = ['--port', `${port}`, '--dir', dir, '--log-level', 'error', '--send-rate', `${sendRate}`, ...args];
  return ['--import', PRELOAD, BIN, ...options];
}

let lastPort = 20_000 + Math.floor(Math.random() * 10_000);

export async function freePort(): Promise<number> {
  for (;;) {
    lastPort = lastPort >= 30_000 ? 20_000 : lastPort + 1;
    if (await isFree(lastPort)) return lastPort;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', () => done(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)));
  });
}
