import { describe, expect } from '@jest/globals';
import { strike, wrongIn } from './every-call.ts';
import { longTest, testWithStrace } from './kit/fault-test.ts';
import { ALICE } from './kit/scene.ts';
import { OPERATIONS, type Operation } from './operations.ts';

/** A sample: the first call of each kind. `npm run soak -- --every-call` tries every call. */
const KILLED: Readonly<Record<string, readonly string[]>> = {
  'append while the receiver is away': ['fdatasync'],
  'append while the receiver listens': ['fdatasync'],
  'send a file': ['link,linkat'],
  drain: ['rename,renameat', 'link,linkat', 'unlink', 'fdatasync'],
  'finish what a dead server took': ['fdatasync'],
  'late mail': ['fdatasync'],
  mark: ['rename,renameat'],
  forget: ['unlink'],
  'edit and remove': ['pwrite64,pwritev'],
  'read on what version 1 left': ['fdatasync'],
  'pass on to the owner': ['writev'],
  'append for a process that passes on': ['fdatasync'],
  'take over': ['openat'],
};

function operation(name: string): Operation {
  return OPERATIONS.find((candidate) => candidate.name === name)!;
}

describe.each(Object.entries(KILLED))('%s', (name, series) => {
  for (const calls of series.map((names) => names.split(','))) {
    testWithStrace(
      `loses nothing when the server is killed at its first ${calls[0]}`,
      async () => {
        const fault = 'signal=KILL';

        const outcome = await strike(operation(name), { calls, fault, when: 1 });

        expect([outcome.struck, wrongIn(outcome, { calls, fault })]).toEqual([true, []]);
      },
      60_000,
    );
  }
});

testWithStrace(
  'accepts nothing and exits with an error when fdatasync fails',
  async () => {
    for (const name of ['append while the receiver is away', 'append while the receiver listens', 'drain']) {
      const outcome = await strike(operation(name), { calls: ['fdatasync'], fault: 'error=EIO', when: 1 });

      expect(outcome).toMatchObject({ struck: true, died: true, exitCode: 1, bad: [], complaints: [] });
    }
  },
  60_000,
);

testWithStrace(
  'works again after a file call failed for lack of space',
  async () => {
    const failing = [
      ['append while the receiver is away', ['write', 'pwrite64']],
      ['append while the receiver listens', ['write', 'pwrite64']],
      ['drain', ['rename', 'renameat']],
      ['drain', ['link', 'linkat']],
    ] as const;
    for (const [name, calls] of failing) {
      const fault = 'error=ENOSPC';
      // Only on our files: Node itself depends on its own writes.
      const paths = calls[0] === 'write' ? [`${ALICE}.txt`] : [];

      const outcome = await strike(operation(name), { calls, fault, when: 1, paths });

      expect([name, calls, wrongIn(outcome, { calls, fault }), outcome.died]).toEqual([name, calls, [], false]);
    }
  },
  60_000,
);

testWithStrace(
  'accepts nothing from a short write',
  async () => {
    for (const name of ['append while the receiver is away', 'append while the receiver listens']) {
      const cut = { calls: ['write', 'pwrite64'], fault: 'retval=7', when: 1, paths: [`${ALICE}.txt`] };

      const outcome = await strike(operation(name), cut);

      expect(outcome).toMatchObject({ died: false, bad: [], complaints: [] });
    }
  },
  60_000,
);

longTest(
  'loses nothing, whichever call kills it or fails [long: FAULTS=long]',
  async () => {
    const { everyCall } = await import('./every-call.ts');

    const result = await everyCall({ report: (line) => console.log(line) });

    expect(result).toMatchObject({ lost: 0, twice: 0, reordered: 0, strange: 0, complaints: [] });
  },
  3_600_000,
);
