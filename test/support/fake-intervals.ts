import { jest } from '@jest/globals';
import { afterThisTest } from './after-this-test.ts';

/** The streams' ticks and the clock they read stand still until they are moved; everything else goes on as ever. */
export function fakeIntervals(): void {
  jest.useFakeTimers({
    doNotFake: ['Date', 'hrtime', 'nextTick', 'queueMicrotask', 'setImmediate', 'setTimeout', 'clearTimeout'],
  });
  afterThisTest(() => jest.useRealTimers());
}
