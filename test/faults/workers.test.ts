import { expect, test } from '@jest/globals';
import { LONG } from './kit/fault-test.ts';
import { soak } from './soak.ts';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

/** In the short form, only what is quick. */
const hurried = LONG ? {} : ({ faults: ['kill worker'], faultEveryMs: 200 } as const);

test('loses nothing when the workers of one server are killed, stopped and ended at random', async () => {
  const result = await soak({ seed: SEED, workers: 3, durationMs: LONG ? 120_000 : 6000, ...hurried });

  if (result.lost + result.twice + result.reordered + result.complaints.length > 0) console.error(`SEED=${SEED}`);
  expect(result).toMatchObject({ lost: 0, twice: 0, reordered: 0, strange: 0, complaints: [], samples: [] });
  expect(result.kills).toBeGreaterThan(1);
}, 400_000);
