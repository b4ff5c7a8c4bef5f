import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory of this package. */
export const PACKAGE_DIR = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Sees to it that `dist` is what `src` says: another process can only run what is built. `npm test` has built it
 * already; a single test that is run by hand builds it here.
 */
export function buildPackage(): void {
  if (newestIn('dist') > newestIn('src')) return;
  execFileSync('npm', ['run', 'build'], { cwd: PACKAGE_DIR, stdio: 'pipe' });
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
