import { accessSync, constants } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { test } from '@jest/globals';

type Body = () => Promise<void> | void;

/**
 * `test`, if the machine has all of these (programs on the PATH, or `network address`, or `root`). Else the test is
 * skipped, and its name says for want of what; with CI=true it fails instead: there, nothing may be left out.
 */
export function requires(...needs: readonly string[]): (name: string, body: Body, timeoutMs?: number) => void {
  const missing = missingOf(needs);
  if (missing.length === 0) return test;
  const reason = `${missing.join(' and ')} missing`;
  if (process.env['CI'] !== 'true') return (name, body) => test.skip(`${name} [${reason}]`, body);
  return (name) =>
    test(name, () => {
      throw new Error(`This machine cannot run the test: ${reason}.`);
    });
}

/** Those that the machine does not have. */
export function missingOf(needs: readonly string[]): string[] {
  return needs.filter((need) => !has(need));
}

/** Where Chromium is: `CHROMIUM`, or the first on the PATH. */
export function chromiumPath(): string | undefined {
  return find(process.env['CHROMIUM'] ?? 'chromium');
}

/** An IPv4 address of this machine that is not loopback. */
export function networkAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

function has(need: string): boolean {
  if (need === 'chromium') return chromiumPath() !== undefined;
  if (need === 'network address') return networkAddress() !== undefined;
  if (need === 'root') return process.getuid?.() === 0;
  return find(need) !== undefined;
}

function find(program: string): string | undefined {
  const places = isAbsolute(program)
    ? [program]
    : (process.env['PATH'] ?? '').split(delimiter).map((dir) => join(dir, program));
  return places.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // missing, or not executable: it may be in the next place
  }
}
