import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.ts';

/** Makes a directory, which the caller must remove. In a test, use `temporaryDirectory`, which is removed after the test. */
export function makeDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'mailbox-chat-test-'));
}

/** Removes a directory, even if a program that is ending still writes to it. */
export async function removeDirectory(dir: string): Promise<void> {
  await until(`${dir} to be gone`, () => isRemoved(dir));
}

/** Node's own retries do not read the directory again: they miss new files. */
function isRemoved(dir: string): boolean {
  try {
    rmSync(dir, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}
