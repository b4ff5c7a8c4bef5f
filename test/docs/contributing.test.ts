import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { isThere } from './kit/documents.ts';

const text = readFileSync(join(PACKAGE_DIR, 'CONTRIBUTING.md'), 'utf8');

/** Each folder of the map, and those that it may import from. */
const mayImport = new Map(
  Array.from(text.matchAll(/^\| `(src[^`]*)` \|.*\| ([^|]*)\|$/gm), ([, folder, others]) => [
    folder!,
    Array.from(others!.matchAll(/`([^`]+)`/g), ([, other]) => other!),
  ]),
);

describe('the map in CONTRIBUTING', () => {
  test('has every source folder and no other', () => {
    const folders = sources().map((path) => dirname(path));

    expect([...mayImport.keys()].toSorted()).toEqual([...new Set(folders)].toSorted());
  });

  test('has every folder beside src', () => {
    const notOurs = ['coverage', 'dist', 'mailboxes', 'node_modules', 'src'];
    const folders = readdirSync(PACKAGE_DIR, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const named = Array.from(text.matchAll(/^\| `(\w+)` \|/gm), ([, folder]) => folder!);

    const visible = folders.map(({ name }) => name).filter((name) => !name.startsWith('.') && !notOurs.includes(name));
    expect(named.filter((name) => name !== 'src').toSorted()).toEqual(visible.toSorted());
  });

  test.each([...mayImport])('matches what %s imports', (folder, allowed) => {
    const files = sources().filter((path) => dirname(path) === folder);

    const forbidden = files.flatMap((path) =>
      foldersImportedBy(path)
        .filter((other) => ![folder, ...allowed].includes(other))
        .map((other) => `${path} imports from ${other}`),
    );
    expect(forbidden).toEqual([]);
  });

  test('keeps two files at the top of src', () => {
    expect(sources().filter((path) => dirname(path) === 'src')).toEqual(['src/index.ts', 'src/mailbox-chat.ts']);
  });

  test('names only tests that exist', () => {
    const named = Array.from(text.matchAll(/npm test -- ([^\s`]+)/g), ([, path]) => path!);

    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((path) => !isThere(path))).toEqual([]);
  });
});

function sources(): string[] {
  return readdirSync(join(PACKAGE_DIR, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(PACKAGE_DIR, join(entry.parentPath, entry.name)))
    .toSorted();
}

function foldersImportedBy(path: string): string[] {
  const imports = readFileSync(join(PACKAGE_DIR, path), 'utf8').matchAll(/(?:from|import\() ?'(\.[^']*)'/g);
  return Array.from(imports, ([, file]) => dirname(join(dirname(path), file!)));
}
