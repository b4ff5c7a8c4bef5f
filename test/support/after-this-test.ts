import { afterEach, jest } from '@jest/globals';
import { DEADLINE_MS } from './until.ts';

// Longer than any wait inside a test, so that it is the wait that says what was missing.
jest.setTimeout(6 * DEADLINE_MS);

type Ending = () => unknown;

const endings: Ending[] = [];

/** Does this when the running test is over, however it ends; what was begun last ends first. */
export function afterThisTest(ending: Ending): void {
  endings.push(ending);
}

afterEach(async () => {
  for (let ending = endings.pop(); ending; ending = endings.pop()) await ending();
});
