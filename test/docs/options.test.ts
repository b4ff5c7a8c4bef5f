import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Option } from 'commander';
import { createProgram } from '../../src/command/program.ts';
import type { MailboxChatOptions } from '../../src/words/chat-options.ts';
import { PACKAGE_DIR } from '../support/built-package.ts';

const { commands } = createProgram();

/** Every option once, as a row of the table: flag, variable, default, commands. */
const DECLARED = new Map(
  commands
    .flatMap(({ options }) => options.filter(({ negate }) => !negate))
    .map((option) => [option.flags, rowOf(option)] as const),
);

function rowOf(option: Option): string[] {
  const knowing = commands.filter(({ options }) => options.includes(option));
  const opposite = commands.flatMap(({ options }) => options).find(({ long }) => long === `--no-${option.name()}`);
  const names = knowing.length === commands.length ? 'all' : knowing.map((command) => command.name()).join(', ');
  return [
    [option, ...(opposite ? [opposite] : [])].map(({ flags }) => `\`${flags}\``).join(', '),
    option.envVar === undefined ? '' : `\`${option.envVar}\``,
    String(option.defaultValueDescription ?? option.defaultValue ?? ''),
    names,
  ];
}

/** The cells of the table whose head begins with this text. */
function table(path: string, head: string): string[][] {
  const [, rows = ''] = readFileSync(join(PACKAGE_DIR, path), 'utf8').split(new RegExp(`^${head}.*\n.*\n`, 'm'));
  const lines = rows.split('\n');
  return lines.slice(0, lines.indexOf('')).map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
}

describe('docs/options.md', () => {
  test('has every option of every command, with its variable, default and commands, and no other', () => {
    const rows = table('docs/options.md', '\\| Flag \\| Environment \\|').map((cells) => cells.slice(0, 4));

    expect(rows).toEqual(expect.arrayContaining([...DECLARED.values()]));
    expect(rows.length).toBe(DECLARED.size);
  });

  test('says what each of them means', () => {
    const meanings = table('docs/options.md', '\\| Flag \\| Environment \\|').map((cells) => cells[4]);

    expect(meanings.filter((meaning) => !meaning)).toEqual([]);
  });

  test('has every option of mailboxChat, and no other', () => {
    const known: Readonly<Record<keyof MailboxChatOptions, true>> = {
      access: true,
      allowFraming: true,
      allowedHosts: true,
      dir: true,
      groupWritable: true,
      identify: true,
      keepBytes: true,
      keepDays: true,
      logger: true,
      maxMessage: true,
      maxStreams: true,
      mayInspect: true,
      onFatal: true,
      people: true,
      sendRate: true,
      store: true,
      trustProxy: true,
    };

    const rows = table('docs/options.md', '\\| Option \\| Default \\|');

    expect(rows.map(([name]) => name!.replaceAll('`', '')).toSorted()).toEqual(Object.keys(known).toSorted());
  });
});

test('The README’s table has at most ten options, with their variables and defaults', () => {
  const rows = table('README.md', '\\| Flag \\| Environment \\|').map((cells) => cells.slice(0, 3));

  expect(rows.length).toBeGreaterThan(5);
  expect(rows.length).toBeLessThanOrEqual(10);
  const declared = [...DECLARED.values()].map((cells) => cells.slice(0, 3));
  expect(declared).toEqual(expect.arrayContaining(rows));
});
