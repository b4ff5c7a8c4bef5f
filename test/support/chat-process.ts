import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterThisTest } from './after-this-test.ts';
import { buildPackage } from './built-package.ts';
import { inTime } from './until.ts';

const SCRIPT = fileURLToPath(new URL('chat-process.mjs', import.meta.url));

export interface ChatProcess {
  readonly url: string;
  readonly process: ChildProcess;
  /** Asks it to close; resolves to its exit code. */
  readonly stop: () => Promise<number | null>;
}

export interface ChatProcessOptions {
  readonly access?: 'open' | 'links';
  /** Whether the header `x-user` names the caller. */
  readonly login?: boolean;
}

/** Serves a directory from a separate process, like a second server on the machine. */
export async function startChatProcess(dir: string, options: ChatProcessOptions = {}): Promise<ChatProcess> {
  buildPackage();
  const child = fork(SCRIPT, [dir, JSON.stringify(options)], { execArgv: [] });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  afterThisTest(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const [{ port }] = (await inTime('the start of a server', once(child, 'message'))) as [AddressInfo];
  const stop = async (): Promise<number | null> => {
    if (child.connected) child.disconnect();
    const [code] = await inTime('the end of a server', exited);
    return code;
  };
  return { url: `http://127.0.0.1:${port}`, process: child, stop };
}
