import { expect, test } from '@jest/globals';
import { talkAtRandom } from './random-talk.ts';

test('pages, the history and a reader of the files agree on the final state of each message', async () => {
  expect(await talkAtRandom({ seed: 7, events: 250 })).toEqual([]);
}, 60_000); // it starts programs, and a busy machine takes seconds
