import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { identity, openAmong } from '../../src/files/open-files.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { buildPackage, PACKAGE_DIR } from '../support/built-package.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { requires } from '../support/requires.ts';

const STRANGER = 54_321;

/** The identity of a file that this process has open. */
function openFile(path = join(temporaryDirectory(), 'henry.txt')): string {
  const fd = openSync(path, 'a');
  afterThisTest(() => closeSync(fd));
  return identity(fstatSync(fd));
}

requires('root')('a file that a process has open is found', async () => {
  const file = openFile();
  const other = join(temporaryDirectory(), 'other.txt');
  writeFileSync(other, '');

  expect(await openAmong(new Set([file, identity(statSync(other))]))).toEqual(new Set([file]));
});

requires(
  'root',
  'unshare',
  'setpriv',
)('a user who cannot see other processes’ files gets no answer', () => {
  buildPackage();
  const file = openFile();
  const module = join(PACKAGE_DIR, 'dist/files/open-files.js');
  const look = `import { identity, openAmong } from '${module}'; console.log(await openAmong(new Set(['${file}'])));`;
  const asStranger = `setpriv --reuid=${STRANGER} --regid=${STRANGER} --clear-groups "$0" --input-type=module -e "$1"`;

  const { stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-ec', `mount -t proc -o hidepid=invisible proc /proc; ${asStranger}`, process.execPath, look],
    { encoding: 'utf8' },
  );

  expect(stderr).toBe('');
  expect(stdout).toBe('undefined\n');
});

test('listing the files that are open gives up when it is told to', async () => {
  expect(await openAmong(new Set(), () => true)).toBeUndefined();
});

test('no file is open if the question names none', async () => {
  expect((await openAmong(new Set())) ?? new Set()).toEqual(new Set());
});
