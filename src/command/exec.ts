import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { isErrno } from '../mailbox-error.ts';

/** Runs `command` in the shell with `input` on its standard input. Resolves to how it failed, or undefined. */
export async function runInShell(command: string, input: string): Promise<string | undefined> {
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'inherit', 'inherit'] });
  child.stdin.on('error', (error) => {
    if (!isErrno(error, 'EPIPE', 'ECONNRESET')) throw error; // it need not read its input
  });
  child.stdin.end(input);
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (code === 0) return undefined;
  return signal === null ? `exit status ${code}` : `ended by ${signal}`;
}
