import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { OLD_DIRECTORIES, layOut, oldDirectory, readingsOf, type OldDirectory } from '../support/old-directory.ts';
import { readAll } from '../support/store-mail.ts';
import { LONG, testWithStrace } from './kit/fault-test.ts';
import { tracked } from './kit/server-process.ts';
import { Strace } from './kit/strace.ts';

const CONVERSION = join(import.meta.dirname, '../support/conversion.mjs');
const CHANGES = ['rename', 'link', 'unlink', 'mkdir', 'rmdir', 'write', 'fsync', 'fdatasync', 'ftruncate'];
const CALLS = LONG ? [...CHANGES, 'openat', 'close', 'pread64', 'getdents64', 'statx'] : ['rename', 'unlink', 'fsync'];
/** The conversion looks up who has takes open, with thousands of calls. */
const MOST_CALLS = 60;
const STATES = LONG ? OLD_DIRECTORIES : ['taken'];

interface Outcome {
  readonly struck: boolean;
  readonly exitCode: number | null;
}

/** Converts a directory in a separate process, in which the `when`-th of these calls meets a fault. */
async function convertUnder(
  dir: string,
  { now }: OldDirectory,
  call: string,
  when: number,
  fault: string,
): Promise<Outcome> {
  const child = tracked(spawn(process.execPath, [CONVERSION, dir, `${now}`], { stdio: ['pipe', 'pipe', 'ignore'] }));
  const exited = once(child, 'exit');
  await once(child.stdout!, 'data');
  const strace = await Strace.attach(child.pid!, { calls: [call], when, fault, thread: 'main' });
  child.stdin!.write('go\n');
  const [exitCode] = (await exited) as [number | null];
  await strace.detach();
  const { hasStruck } = strace;
  strace.forget();
  return { struck: hasStruck, exitCode };
}

async function expectAllOf(old: OldDirectory, dir: string, what: string): Promise<void> {
  const store = new FileMailboxes(dir, { watch: false, now: () => old.now });
  for (const [name, { events }] of readingsOf(old)) expect([what, await readAll(store, name)]).toEqual([what, events]);
  await store.close();
}

describe.each(STATES)('the conversion of a directory of version 1 (%s)', (state) => {
  const old = oldDirectory(state);

  async function strikeEach(fault: string, calls: readonly string[], judge: (outcome: Outcome) => void): Promise<void> {
    let strikes = 0;
    for (const call of calls) {
      for (let when = 1; when <= MOST_CALLS; when += 1) {
        const dir = temporaryDirectory();
        layOut(old, dir);

        const outcome = await convertUnder(dir, old, call, when, fault);

        if (!outcome.struck) break;
        strikes += 1;
        judge(outcome);
        await expectAllOf(old, dir, `${fault} at ${call} ${when}`);
      }
    }
    expect(strikes).toBeGreaterThan(calls.length);
  }

  testWithStrace(
    'loses and repeats nothing, wherever it is killed',
    () => strikeEach('signal=KILL', CALLS, ({ exitCode }) => expect(exitCode).toBe(null)),
    LONG ? 600_000 : 120_000,
  );

  testWithStrace(
    'finishes after a full disk has space again',
    () => strikeEach('error=ENOSPC', LONG ? ['rename', 'link', 'mkdir', 'write', 'fsync'] : ['write'], () => {}),
    LONG ? 600_000 : 120_000,
  );
});
