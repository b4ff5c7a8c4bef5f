import { existsSync } from 'node:fs';
import { expect } from '@jest/globals';
import { listing } from '../support/directory.ts';
import { type Ended, run, type RunOptions } from '../command/running.ts';

/** What the doctor found, by level. */
export interface Said extends Pick<Ended, 'code' | 'stdout'> {
  readonly ok: readonly string[];
  readonly warnings: readonly string[];
  readonly problems: readonly string[];
}

export async function doctor(words: readonly string[], options?: RunOptions): Promise<Said> {
  const { code, stdout, stderr } = await run(['doctor', ...words], options);
  expect(stderr).toBe('');
  const at = (level: string): string[] =>
    stdout.split('\n').flatMap((line) => (line.startsWith(level) ? [line.slice(level.length).trim()] : []));
  return { code, stdout, ok: at('ok'), warnings: at('warning'), problems: at('problem') };
}

/** The contents of a data directory, without the files by which servers find each other. */
export function kept(dir: string): string[] {
  return existsSync(dir) ? listing(dir).filter((line) => !line.startsWith('.host ')) : [];
}
