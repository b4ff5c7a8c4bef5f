/** A program that knows nothing of the server. It appends events to a file, each with the time before the append. */
import { appendFile } from 'node:fs/promises';
import { setInterval } from 'node:timers/promises';

const [, , file = '', perSecond, count] = process.argv;

let number = 0;
for await (const _ of setInterval(1000 / Number(perSecond))) {
  await appendFile(file, `data: ${JSON.stringify({ number, at: String(process.hrtime.bigint()) })}\n\n`);
  number += 1;
  if (number === Number(count)) break;
}
