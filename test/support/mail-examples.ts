import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const EXAMPLES = resolve(import.meta.dirname, '../../examples');
const FOLDERS = { read: 'mail', write: 'mail', echo: 'echo' };

/** On the PATH there may be a script of pyenv, which is slow to start. */
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/** The languages of the readers and writers in examples/mail and the bots in examples/echo, with the program that runs or compiles each. */
export const LANGUAGES = {
  sh: { needs: 'dash', command: ['dash'] },
  php: { needs: 'php', command: ['php'] },
  py: { needs: 'python3', command: [PYTHON, '-I', '-S'] },
  rb: { needs: 'ruby', command: ['ruby', '--disable-gems'] },
  mjs: { needs: 'node', command: [process.execPath] },
  c: { needs: 'cc', compile: (source: string, program: string) => ['cc', '-O1', '-o', program, source] },
  go: { needs: 'go', compile: (source: string, program: string) => ['go', 'build', '-o', program, source] },
} as const;

export type Language = keyof typeof LANGUAGES;

export function isInstalled(language: Language): boolean {
  return spawnSync('sh', ['-c', `command -v ${LANGUAGES[language].needs}`]).status === 0;
}

/** The command line of an example. A compiled program goes into `dir`. */
export function exampleCommand(example: keyof typeof FOLDERS, language: Language, dir: string): string[] {
  const source = join(EXAMPLES, FOLDERS[example], `${example}.${language}`);
  const how = LANGUAGES[language];
  if ('command' in how) return [...how.command, source];
  const program = join(dir, `${example}-${language}`);
  const [compiler = '', ...args] = how.compile(source, program);
  execFileSync(compiler, args, { stdio: 'pipe' });
  return [program];
}
