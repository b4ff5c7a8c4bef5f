import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { afterThisTest } from '../../support/after-this-test.ts';
import { inTime, until } from '../../support/until.ts';

const WITHIN_MS = 60_000;

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ShellOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** `bash` unless told otherwise. */
  readonly shell?: string;
}

/** A command line that runs until the test is over. */
export class Shell {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #exited: Promise<[number | null]>;
  #stdout = '';
  #hasEnded = false;
  #stderr = '';

  constructor(commands: string, { cwd, env = {}, shell = 'bash' }: ShellOptions) {
    this.#child = spawn(shell, ['-ec', commands], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a process group of its own, which ends as a whole
    });
    this.#exited = once(this.#child, 'close') as Promise<[number | null]>;
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    void this.#exited.then(() => (this.#hasEnded = true));
    afterThisTest(() => this.end());
  }

  /** Resolves to the match once it is in stdout. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#untilPrinted(String(pattern), (stdout) => pattern.exec(stdout));
  }

  /** Resolves once stdout begins with `text`, seen through `view`. */
  async printedText(text: string, view: (stdout: string) => string): Promise<void> {
    await this.#untilPrinted(text, (stdout) => view(stdout).startsWith(text));
  }

  #untilPrinted<T>(what: string, look: (stdout: string) => T | false | null): Promise<T> {
    return until(`the output\n${what}`, () => {
      const found = look(this.#stdout);
      if (!found && this.#hasEnded) throw new Error(`It ended with ${JSON.stringify(this.#ran())}, without\n${what}`);
      return found;
    });
  }

  async ended(): Promise<Ran> {
    await inTime('the end of a command', this.#exited, WITHIN_MS);
    return this.#ran();
  }

  async end(): Promise<void> {
    if (!this.#hasEnded) process.kill(-this.#child.pid!, 'SIGTERM');
    await this.#exited;
  }

  #ran(): Ran {
    return { code: this.#child.exitCode, stdout: this.#stdout, stderr: this.#stderr };
  }
}

/** Runs a command line to its end. If it fails, throws an error with its output. */
export async function run(commands: string, options: ShellOptions): Promise<string> {
  const ran = await new Shell(commands, options).ended();
  if (ran.code !== 0) throw new Error(`${commands}\nended with ${ran.code}: ${ran.stderr}${ran.stdout}`);
  return ran.stdout;
}
