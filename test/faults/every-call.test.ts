import { describe, expect } from '@jest/globals';
import { OPERATIONS, strike, wrongIn } from './every-call.ts';
import { longTest, testWithStrace } from './kit/fault-test.ts';

/** A sample: the calls that matter in each operation. All of them: `npm run soak -- --every-call`. */
const KILLED: Readonly<Record<string, readonly (readonly [call: string, when: number, thread: 'main' | 'pool'])[]>> = {
  'append to the mailbox': [['fdatasync', 1, 'pool']],
  'append to the log': [['write', 1, 'main']],
  drain: [
    ['rename', 1, 'main'],
    ['link', 1, 'main'],
    ['unlink', 1, 'main'],
    ['fdatasync', 1, 'pool'],
  ],
  rotate: [['fsync', 2, 'main']],
  'rotate while a take is kept': [['openat', 8, 'main']],
  'retire a take': [['unlink', 1, 'main']],
  mark: [['rename', 1, 'main']],
  start: [['write', 2, 'main']],
};

describe.each(OPERATIONS.map((operation) => [operation.name, operation] as const))('%s', (name, operation) => {
  for (const [call, when, thread] of KILLED[name]!) {
    testWithStrace(
      `loses nothing when it is killed at its ${call} ${when} (${thread} thread)`,
      async () => {
        const outcome = await strike(operation, { calls: [call], fault: 'signal=KILL', when, thread });

        expect(wrongIn(outcome, { calls: [call], fault: 'signal=KILL' })).toEqual([]);
      },
      60_000,
    );
  }
});

testWithStrace(
  'accepts nothing and exits other than 0 when fdatasync fails',
  async () => {
    for (const name of ['append to the mailbox', 'append to the log', 'drain']) {
      const operation = OPERATIONS.find((candidate) => candidate.name === name)!;

      const outcome = await strike(operation, { calls: ['fdatasync'], fault: 'error=EIO', when: 1, thread: 'pool' });

      expect(outcome).toMatchObject({ struck: true, died: true, exitCode: 1, bad: [], complaints: [] });
    }
  },
  60_000,
);

testWithStrace(
  'goes on when a file call fails for want of space',
  async () => {
    const failing = [
      ['append to the mailbox', 'write'],
      ['append to the log', 'write'],
      ['drain', 'rename'],
      ['drain', 'link'],
      ['rotate', 'openat'],
    ] as const;
    for (const [name, call] of failing) {
      const operation = OPERATIONS.find((candidate) => candidate.name === name)!;
      // Only on files of ours: node itself cannot do without its own.
      const paths = call === 'write' ? ['alice.txt', '.delivered/alice/0-0.log'] : [];

      const outcome = await strike(operation, { calls: [call], fault: 'error=ENOSPC', when: 1, thread: 'main', paths });

      expect([name, call, wrongIn(outcome, { calls: [call], fault: 'error=ENOSPC' }), outcome.died]).toEqual([
        name,
        call,
        [],
        false,
      ]);
    }
  },
  60_000,
);

testWithStrace(
  'accepts nothing of a write that was cut short',
  async () => {
    for (const name of ['append to the mailbox', 'append to the log']) {
      const operation = OPERATIONS.find((candidate) => candidate.name === name)!;
      const paths = ['alice.txt', '.delivered/alice/0-0.log'];

      const outcome = await strike(operation, { calls: ['write'], fault: 'retval=7', when: 1, thread: 'main', paths });

      expect(outcome).toMatchObject({ struck: true, died: false, bad: [], complaints: [] });
    }
  },
  60_000,
);

longTest(
  'loses nothing whichever call it is killed or fails at [long: FAULTS=long]',
  async () => {
    const { everyCall } = await import('./every-call.ts');

    const result = await everyCall({ report: (line) => console.log(line) });

    expect(result).toMatchObject({ lost: 0, twice: 0, reordered: 0, strange: 0, complaints: [] });
  },
  3_600_000,
);
