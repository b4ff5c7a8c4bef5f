import { afterEach, expect, test } from '@jest/globals';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { Shell } from '../docs/kit/shell.ts';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { cleanUp, temporaryDirectory } from './running.ts';

afterEach(cleanUp);

test.each(['npm start', 'node bin/mailbox-chat.cjs invite henry'])(
  '%s in a clone without its compiler says what to do',
  async (command) => {
    const cwd = temporaryDirectory();
    for (const name of ['package.json', 'bin']) cpSync(join(PACKAGE_DIR, name), join(cwd, name), { recursive: true });

    const { code, stderr } = await new Shell(command, { cwd }).ended();

    expect(code).toBe(1);
    expect(stderr).toMatch(/has not been built[^]*npm ci && npm run build/);
  },
);
