import { afterEach, jest } from '@jest/globals';
import { DEADLINE_MS } from './until.ts';

// Longer than any wait inside a test, so that the wait fails first and says what was missing.
jest.setTimeout(6 * DEADLINE_MS);

type Ending = () => unknown;

const endings: Ending[] = [];

/** Runs `ending` when the current test is over, even if it fails. The last one added runs first. */
export function afterThisTest(ending: Ending): void {
  endings.push(ending);
}

afterEach(async () => {
  for (let ending = endings.pop(); ending; ending = endings.pop()) await ending();
});
