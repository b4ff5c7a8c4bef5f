import { test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { canInject } from './strace.ts';

/** Long runs of the same faults: `FAULTS=long npm test -- test/faults`. */
export const LONG = process.env['FAULTS'] === 'long';

/** A test that takes too long for every run: it is left out, without being reported as skipped, unless FAULTS is `long`. */
export const longTest: (name: string, run: () => Promise<void>, ms?: number) => void = LONG ? test : () => {};

/** A test that needs something of the machine. Where that is missing, it is skipped, and its name says why. */
export function testWith(isHere: boolean, what: string): (name: string, run: () => Promise<void>, ms?: number) => void {
  if (isHere) return test;
  return (name, run) => test.skip(`${name} [not here: ${what}]`, run);
}

export const testWithStrace = testWith(canInject(), 'strace that may attach');

function succeeds(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

export const testWithMounts = testWith(
  succeeds('unshare', '--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt') && process.getuid?.() === 0,
  'the right to mount',
);

export const testWithNetworkNamespaces = testWith(
  process.getuid?.() === 0 && succeeds('unshare', '--net', 'ip', 'link'),
  'the right to make network namespaces, or ip',
);

export const testWithOtherUser = testWith(
  process.getuid?.() === 0 && succeeds('setpriv', '--reuid=65534', process.execPath, '-e', '0'),
  'the right to run a server as another user',
);

export const testWithPrlimit = testWith(succeeds('prlimit', '--version'), 'prlimit');

export const testWithFaketime = testWith(succeeds('faketime', '--version'), 'faketime');

export function sh(command: string): void {
  const { status, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
}
