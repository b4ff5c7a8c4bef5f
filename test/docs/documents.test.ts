import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createProgram } from '../../src/command/program.ts';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { COMMANDS, RUNNABLE } from './kit/commands.ts';
import { document, documents, isThere } from './kit/documents.ts';

const { scripts: SCRIPTS } = JSON.parse(readFileSync(join(PACKAGE_DIR, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};
/** The options of the long runs. */
const LONG_RUNS = ['soak', 'fuzz'].map((name) => readFileSync(join(PACKAGE_DIR, `scripts/${name}.mjs`), 'utf8')).join();
const OPTIONS = new Set(createProgram().commands.flatMap(({ options }) => options.map((option) => option.name())));
const ALL = documents();
const paths = ALL.map(({ path }) => path);

describe('the documents', () => {
  test.each(paths)('%s links to files and headings that exist', (path) => {
    const broken = document(path).links.filter((link) => isRelative(link) && !leadsSomewhere(path, link));

    expect(broken).toEqual([]);
  });

  test('can all be reached from the README', () => {
    const reached = new Set(['README.md']);
    for (const path of reached) for (const target of linkedDocuments(path)) reached.add(target);

    expect(paths.filter((path) => !reached.has(path))).toEqual([]);
  });

  test.each(paths)('%s has no command without a test that runs it', (path) => {
    const named = Object.keys(COMMANDS[path] ?? {});
    const commands = document(path).blocks.filter(({ language, name }) => isCommand(language, name));
    const blocks = commands.map(({ language, name }) =>
      named.includes(`every ${language} block`) ? `every ${language} block` : name,
    );

    // For a new block, add to test/docs/kit/commands.ts which test runs it, or why none does.
    expect([...new Set(blocks)].toSorted()).toEqual(named.toSorted());
    expect(new Set(commands.map(({ name }) => name)).size).toBe(commands.length);
  });

  test('are run by existing tests that take the commands from them', () => {
    for (const [path, blocks] of Object.entries(COMMANDS)) {
      for (const owner of Object.values(blocks)) {
        if ('test' in owner) expect(readFileSync(join(PACKAGE_DIR, owner.test), 'utf8')).toContain(`'${path}'`);
        else expect(owner.notRun).toMatch(/\w+ \w+/);
      }
    }
  });

  test.each(paths)('%s names only scripts and options that exist', (path) => {
    const { text } = document(path);
    const unknownScripts = namesIn(text, /npm run ([\w:-]+)/g).filter((name) => !(name in SCRIPTS));
    const unknownOptions = namesIn(text, /(?:`|mailbox-chat [\w ]*)--(?:no-)?([\w-]+)/g).filter(
      (name) => !OPTIONS.has(name) && !LONG_RUNS.includes(name),
    );

    expect({ unknownScripts, unknownOptions }).toEqual({ unknownScripts: [], unknownOptions: [] });
  });

  test('that have commands exist', () => {
    expect(Object.keys(COMMANDS).filter((path) => !paths.includes(path))).toEqual([]);
  });
});

function namesIn(text: string, pattern: RegExp): string[] {
  return Array.from(text.matchAll(pattern), ([, name]) => name!);
}

/** Indented code has no language, so a line that begins like a command counts as a command. */
function isCommand(language: string, name: string): boolean {
  return RUNNABLE.has(language) || (language === '' && /^(?:\$ |npm |npx |node |curl |printf |echo )/.test(name));
}

function isRelative(link: string): boolean {
  return !/^[a-z][a-z\d+.-]*:/i.test(link);
}

function leadsSomewhere(from: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? from : normalize(join(dirname(from), decodeURI(path)));
  if (!isThere(target)) return false;
  return anchor === undefined || document(target).anchors.has(anchor);
}

function linkedDocuments(path: string): string[] {
  return document(path)
    .links.filter(isRelative)
    .map((link) => normalize(join(dirname(path), link.split('#')[0]!)))
    .filter((target) => paths.includes(target));
}
