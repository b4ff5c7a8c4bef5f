import { accessSync, constants } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';

/** The requirements that this machine does not meet. */
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
    return false; // missing or not executable here: try the next directory
  }
}
