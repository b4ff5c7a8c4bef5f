import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { document } from '../docs/kit/documents.ts';
import { PACKAGE_DIR } from './built-package.ts';
import { temporaryDirectory } from './directory.ts';

/** A copy of an example, with the command `mailbox-chat`. */
export function copyOf(example: string): string {
  const dir = temporaryDirectory();
  cpSync(join(PACKAGE_DIR, 'examples', example), dir, { recursive: true });
  mkdirSync(join(dir, 'node_modules/.bin'), { recursive: true });
  symlinkSync(join(PACKAGE_DIR, 'bin/mailbox-chat.cjs'), join(dir, 'node_modules/.bin/mailbox-chat'));
  return dir;
}

/** A PATH on which the command of a copy comes first. */
export function pathOf(dir: string): string {
  return `${join(dir, 'node_modules/.bin')}:${process.env['PATH']}`;
}

/** The lines of the only block of commands in a README. */
export function commandsOf(readme: string): string[] {
  const blocks = document(readme).blocks.filter(({ language }) => language === 'sh');
  if (blocks.length !== 1) throw new Error(`${readme} has ${blocks.length} blocks of commands.`);
  return blocks[0]!.code.trim().split('\n');
}
