// Before the command itself, in its process: PRELOAD='{"hold": true, "hurry": 20}'. Says {"held":true} and begins when a
// line comes in; waits that are counted in seconds of idleness pass so many times faster.
import { readSync } from 'node:fs';
import { stat } from 'node:fs/promises';

const { hold = false, hurry = 1 } = JSON.parse(process.env.PRELOAD ?? '{}');

if (hurry !== 1) {
  const uptimeMs = performance.now.bind(performance);
  performance.now = () => uptimeMs() * hurry;
}
if (hold) {
  await stat('.'); // from now on there is the thread that makes node's file calls
  process.stdout.write('{"held":true}\n');
  readSync(0, Buffer.alloc(100));
}
