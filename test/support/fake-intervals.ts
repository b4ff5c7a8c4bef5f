import { jest } from '@jest/globals';
import { afterThisTest } from './after-this-test.ts';

/** Stops the ticks of streams and their clock until a test moves them. Everything else goes on. */
export function fakeIntervals(): void {
  jest.useFakeTimers({
    doNotFake: ['Date', 'hrtime', 'nextTick', 'queueMicrotask', 'setImmediate', 'setTimeout', 'clearTimeout'],
  });
  afterThisTest(() => jest.useRealTimers());
}
