/** Converts a directory when it reads a line: node conversion.mjs <directory> <now> */
import { once } from 'node:events';
import { claimLayout, convertLayoutOne } from '../../dist/files/layout-one.js';
import { silent } from '../../dist/words/logger.js';

const [, , dir, now] = process.argv;
process.stdout.write('ready\n');
await once(process.stdin, 'data');
claimLayout(dir);
await convertLayoutOne(dir, { logger: silent, now: () => Number(now) });
process.exit(0);
