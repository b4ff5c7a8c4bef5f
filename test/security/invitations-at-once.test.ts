import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { Invitations } from '../../src/access/invitations.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import { PACKAGE_DIR, buildPackage } from '../support/built-package.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { temporaryDirectory } from '../support/directory.ts';

const TIMES = 60;

test('invitations that two processes change at the same moment are neither lost nor revived', async () => {
  buildPackage();
  const dir = temporaryDirectory();
  const module = pathToFileURL(join(PACKAGE_DIR, 'dist/access/invitations.js')).href;
  const script = `
    import { Invitations } from ${JSON.stringify(module)};
    const invitations = new Invitations(${JSON.stringify(dir)});
    console.log('ready');
    for (let i = 0; i < ${TIMES}; i++) invitations.invite('guest' + i);`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  afterThisTest(() => other.kill());
  const ended = once(other, 'exit');
  await once(other.stdout, 'data');

  const invitations = new Invitations(dir);
  for (let i = 0; i < TIMES; i++) {
    const person = mailboxName(`passer-by-${i}`);
    invitations.invite(person);
    invitations.revoke(person);
  }
  expect(await ended).toEqual([0, null]);

  const guests = Array.from({ length: TIMES }, (_, i) => `guest${i}`);
  expect(invitations.people().toSorted()).toEqual(guests.toSorted());
});
