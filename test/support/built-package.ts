import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from './directory.ts';

/** The directory of this package. */
export const PACKAGE_DIR = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Makes sure that `dist` is up to date with `src`: another process can run only what is built. `npm test` has built it
 * already; a single test that is run by hand gets it built here.
 */
export function buildPackage(): void {
  if (newestIn('dist') > newestIn('src')) return;
  execFileSync('npm', ['run', 'build'], { cwd: PACKAGE_DIR, stdio: 'pipe' });
}

/** A directory with the built package, in which one of its dependencies is not installed. */
export function packageWithout(missing: string): string {
  buildPackage();
  const dir = temporaryDirectory();
  const modules = join(PACKAGE_DIR, 'node_modules');
  mkdirSync(join(dir, 'node_modules'));
  for (const part of ['bin', 'dist', 'index.cjs', 'package.json'])
    cpSync(join(PACKAGE_DIR, part), join(dir, part), { recursive: true });
  for (const name of readdirSync(modules).filter((name) => name !== missing)) {
    symlinkSync(join(modules, name), join(dir, 'node_modules', name));
  }
  return dir;
}

function newestIn(dir: string): number {
  try {
    const files = readdirSync(join(PACKAGE_DIR, dir), { recursive: true, withFileTypes: true });
    const times = files
      .filter((file) => file.isFile())
      .map((file) => statSync(join(file.parentPath, file.name)).mtimeMs);
    return Math.max(0, ...times);
  } catch {
    return 0; // not built yet
  }
}
