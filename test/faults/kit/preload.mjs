// Runs before the command, in its process: PRELOAD='{"hold": true, "hurry": 20}'. Prints {"held":true} and begins when a
// line comes in. Waits for idleness pass `hurry` times faster.
import { readSync } from 'node:fs';
import { stat } from 'node:fs/promises';

const { hold = false, hurry = 1 } = JSON.parse(process.env.PRELOAD ?? '{}');

if (hurry !== 1) {
  const uptimeMs = performance.now.bind(performance);
  performance.now = () => uptimeMs() * hurry;
}
if (hold) {
  await stat('.'); // this starts the thread that makes Node's file calls
  process.stdout.write('{"held":true}\n');
  readSync(0, Buffer.alloc(100));
}
