import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { buildPackage, PACKAGE_DIR, packageWithout } from '../support/built-package.ts';
import { temporaryDirectory } from '../support/directory.ts';

const exec = promisify(execFile);

/** Runs a module that has a `chat`, and prints what it returns. */
async function runWithChat(dir: string, script: string): Promise<string> {
  const module = `
    import { createRequire } from 'node:module';
    import { mailboxChat } from ${JSON.stringify(join(dir, 'dist/index.js'))};
    const isLoaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('prom-client'));
    const chat = mailboxChat({ dir: process.argv[1] });
    ${script}
    await chat.close();
  `;
  const { stdout } = await exec(process.execPath, ['--input-type=module', '-e', module, temporaryDirectory()]);
  return stdout.trim();
}

test('Loads the metrics library only when metrics are first requested', async () => {
  buildPackage();

  const printed = await runWithChat(
    PACKAGE_DIR,
    `await chat.ready();
    Object.assign(() => {}, chat); // a copy does not ask for them
    const before = isLoaded();
    void chat.metrics;
    console.log(before, isLoaded());`,
  );

  expect(printed).toBe('false true');
});

describe('where prom-client is not installed', () => {
  test('a chat works, and its metrics say what to install', async () => {
    const printed = await runWithChat(
      packageWithout('prom-client'),
      `await chat.ready();
      try { chat.metrics } catch ({ message }) { console.log(message) }`,
    );

    expect(printed).toContain('npm install prom-client');
  });

  test('a TypeScript application compiles; the metrics have all types except the registry', async () => {
    const dir = packageWithout('prom-client');
    const app = `import { mailboxChat, type ChatMetrics } from './dist/index.js';
      const metrics: ChatMetrics = mailboxChat().metrics;
      // @ts-expect-error: a handler takes more than a number
      metrics(1);`;
    writeFileSync(join(dir, 'app.ts'), app);
    const tsc = join(PACKAGE_DIR, 'node_modules/typescript/bin/tsc');

    const options = ['--noEmit', '--strict', '--module', 'node16', '--target', 'es2022', '--types', 'node'];
    const compiled = exec(process.execPath, [tsc, ...options, 'app.ts'], { cwd: dir });

    await expect(compiled).resolves.toMatchObject({ stdout: '' });
  });
});
