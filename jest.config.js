import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

// The mailboxes on NATS are tested where there is a NATS server: NATS_SERVER=/path/to/nats-server, or on the PATH.
const LEFT_OUT = hasProgram(process.env.NATS_SERVER ?? 'nats-server') ? [] : ['test/jetstream'];
// On three servers the same takes a minute: only when asked for.
const ALSO_LEFT_OUT = process.env.NATS_CLUSTER ? [] : ['!**/test/jetstream/three-servers.test.ts'];
for (const dir of LEFT_OUT) console.error(`Left out: ${dir}, because there is no nats-server here.`);

/** @type {import('jest').Config} */
export default {
  roots: ['<rootDir>/test'],
  testEnvironment: 'node',
  testSequencer: '<rootDir>/test/slow-files-early.mjs',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {},
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  testMatch: ['**/*.test.ts', ...LEFT_OUT.map((dir) => `!**/${dir}/**`), ...ALSO_LEFT_OUT],
};

function hasProgram(program) {
  const dirs = isAbsolute(program) ? [''] : (process.env.PATH ?? '').split(delimiter);
  return dirs.some((dir) => {
    try {
      accessSync(join(dir, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
