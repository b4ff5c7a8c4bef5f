import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { buildPackage, PACKAGE_DIR } from '../support/built-package.ts';
import { temporaryDirectory } from '../support/directory.ts';

const SCRIPT = `
  import { createRequire } from 'node:module';
  import { mailboxChat } from ${JSON.stringify(`${PACKAGE_DIR}dist/index.js`)};
  const isLoaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('prom-client'));
  const chat = mailboxChat({ dir: process.argv[1] });
  const before = isLoaded();
  await chat.metrics.registry();
  console.log(before, isLoaded());
  await chat.close();
`;

test('What makes the metrics is loaded when they are first asked for: a start is not longer for it', async () => {
  buildPackage();

  const args = ['--input-type=module', '-e', SCRIPT, temporaryDirectory()];
  const { stdout } = await promisify(execFile)(process.execPath, args);

  expect(stdout.trim()).toBe('false true');
});
