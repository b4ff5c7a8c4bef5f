import Sequencer from '@jest/test-sequencer';

/** Short files with slow tests. Most of their time they wait. */
const SLOW = /\/test\/(engines|clients|jetstream\/jetstream-mailboxes)\b/;
const EVERY = 5;

/**
 * Without times of an earlier run, jest starts with the longest files: at the end, one of these would run alone. So each
 * starts early, among others that keep the processors busy.
 */
export default class SlowFilesEarly extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests); // oxlint-disable-line unicorn/no-array-sort -- not an array's
    const slow = sorted.filter(({ path }) => SLOW.test(path));
    const others = sorted.filter(({ path }) => !SLOW.test(path));
    const mixed = others.flatMap((test, i) => (i % EVERY === 0 ? [...slow.splice(0, 1), test] : [test]));
    return [...mixed, ...slow];
  }
}
