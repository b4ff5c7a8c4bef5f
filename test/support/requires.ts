import { test } from '@jest/globals';
import { missingOf } from './machine.ts';

type Body = () => Promise<void> | void;

/**
 * `test`, if this machine has all of these (programs on the PATH, `network address` or `root`). Otherwise the test is
 * skipped, and its name says what is missing. With CI=true it fails instead: CI must skip nothing.
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
