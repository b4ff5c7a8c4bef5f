import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { makeDirectory, removeDirectory } from '../support/make-directory.ts';

/** The real command, which loads what `npm run build` makes. CHAT_DIST names a build other than dist/. */
const DIST = process.env['CHAT_DIST'] ?? fileURLToPath(new URL('../../dist', import.meta.url));
export const BIN = resolve(DIST, '../bin/mailbox-chat.cjs');

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  /** A program and its arguments that run the command: `['strace', …]`. */
  readonly through?: readonly string[];
  readonly nodeArgs?: readonly string[];
  /** The command of another installation. */
  readonly bin?: string;
  /** Runs it in a pseudo-terminal, whose output is `stdout`. */
  readonly terminal?: boolean;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Ready {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly dir: string;
}

/** Each test starts several processes one after the other, and a busy machine takes a second for each. */
jest.setTimeout(30_000);

const running = new Set<ChildProcess>();
const made: string[] = [];

/** A child process, with ways to wait for its output. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #output = { stdout: '', stderr: '' };
  #look: () => void = () => {};

  constructor(
    args: readonly string[],
    { cwd, env, uid, through = [], nodeArgs = [], bin = BIN, terminal = false }: RunOptions = {},
  ) {
    const command = [process.execPath, ...nodeArgs, bin, ...args];
    const [program = '', ...rest] = [...through, ...(terminal ? inTerminal(command) : command)];
    const { PATH = '' } = process.env;
    this.child = spawn(program, rest, {
      cwd: cwd ?? temporaryDirectory(),
      env: { PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // its own process group, so that cleanUp also ends what `through` starts
      ...(uid !== undefined && { uid }),
    });
    running.add(this.child);
    this.#collect('stdout');
    this.#collect('stderr');
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', (error) => {
        running.delete(this.child);
        reject(error);
      });
      this.child.on('close', (code) => {
        running.delete(this.child);
        resolve({ code, ...this.#output });
        this.#look();
      });
    });
  }

  /** Resolves to the match once it is in the output; rejects if the process ends without it. */
  printed(name: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        const match = pattern.exec(this.#output[name]);
        if (match) resolve(match);
        else if (!running.has(this.child))
          reject(new Error(`Ended without ${pattern}: ${JSON.stringify(this.#output)}`));
      };
      this.#look();
    });
  }

  async ready(): Promise<Ready> {
    const [line] = await this.printed('stdout', /^\{.*\}\n/);
    return JSON.parse(line) as Ready;
  }

  #collect(name: 'stdout' | 'stderr'): void {
    this.child[name]?.setEncoding('utf8').on('data', (text: string) => {
      this.#output[name] += text;
      this.#look();
    });
  }
}

function inTerminal(command: readonly string[]): string[] {
  return ['script', '-qefc', command.map((word) => JSON.stringify(word)).join(' '), '/dev/null'];
}

export function run(args: readonly string[], options?: RunOptions): Promise<Ended> {
  return new Running(args, options).ended;
}

export async function serve(args: readonly string[] = [], options?: RunOptions): Promise<Running & Ready> {
  const server = new Running(['--port', '0', ...args], options);
  return Object.assign(server, await server.ready());
}

/** Sends the beginning of a request, but never the rest. */
export function begin({ port }: Ready, request: string): Socket {
  return connect(port, '127.0.0.1', function (this: Socket) {
    this.write(request);
  });
}

/** A directory that `cleanUp` removes after the processes that use it have ended. */
export function temporaryDirectory(): string {
  const dir = makeDirectory();
  made.push(dir);
  return dir;
}

/** A directory for `cwd`, with an empty directory of mailboxes in it. */
export function withMailboxes(): { cwd: string; mailboxes: string } {
  const cwd = temporaryDirectory();
  const mailboxes = join(cwd, 'mailboxes');
  mkdirSync(mailboxes);
  return { cwd, mailboxes };
}

/** Ends what is still running and removes the temporary directories. */
export async function cleanUp(): Promise<void> {
  const children = [...running];
  await Promise.all(children.map((child) => new Promise((resolve) => killGroup(child.on('close', resolve)))));
  // Programs in a terminal end a little after the terminal, and still write until then.
  for (const dir of made.splice(0)) await removeDirectory(dir);
}

function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL');
}
