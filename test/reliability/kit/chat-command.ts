import { once } from 'node:events';
import { Running, cleanUp, type Ended, type Ready, type RunOptions } from '../../command/running.ts';
import { afterThisTest } from '../../support/after-this-test.ts';
import { temporaryDirectory } from '../../support/directory.ts';
import { inTime } from '../../support/until.ts';

export interface ChatOptions extends RunOptions {
  /** Default: a new directory for this test. */
  readonly dir?: string;
  readonly port?: number;
  /** More arguments for the command line. */
  readonly args?: readonly string[];
}

/** A server as users start it. */
export interface Chat extends Ready {
  readonly ended: Promise<Ended>;
  /** Sends the signal; resolves to the exit code and signal. */
  readonly end: (signal?: NodeJS.Signals) => Promise<Ended>;
  readonly kill: () => Promise<Ended>;
}

/** Resolves when it listens. It ends with the test, if not before. */
export async function startChat(options: ChatOptions = {}): Promise<Chat> {
  const { dir = temporaryDirectory(), port = 0, args = [], ...run } = options;
  const common = ['--port', `${port}`, '--dir', dir, '--send-rate', '0', '--log-format', 'json', '--log-level', 'warn'];
  afterThisTest(cleanUp);
  const running = new Running([...common, ...args], run);
  const ready = await inTime('the start of a server', running.ready());
  const end = (signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> => {
    if (running.child.exitCode === null && running.child.signalCode === null) process.kill(ready.pid, signal);
    return inTime('the end of a server', running.ended);
  };
  return { ...ready, url: `http://127.0.0.1:${ready.port}`, ended: running.ended, end, kill: () => end('SIGKILL') };
}

/** Runs a command on the directory, such as `forget henry`; rejects if the command fails. */
export async function command(dir: string, ...args: readonly string[]): Promise<string> {
  afterThisTest(cleanUp);
  const running = new Running([...args, '--dir', dir]);
  const { code, stdout, stderr } = await inTime(args.join(' '), running.ended);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

/** A shell, or another program that an administrator runs beside the server. */
export async function finished(program: { readonly on: (event: string, done: () => void) => unknown }): Promise<void> {
  await inTime('the end of a program', once(program as never, 'close'));
}
