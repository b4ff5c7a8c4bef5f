import { test } from '@jest/globals';
import { missingOf } from './machine.ts';

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
