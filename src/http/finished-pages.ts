import { createHash } from 'node:crypto';
import { posix } from 'node:path';

const SCRIPT = /<script type="module" src="([^"]+)"><\/script>/;
/** One that stands at the beginning of a line, over several lines or not. */
const IMPORT = /^(?:import|export)\s[^'"]*?from '(\.[^']+)';/gm;

export const hashOf = (body: Buffer): string => createHash('sha256').update(body).digest('hex').slice(0, 16);

/**
 * The files of the pages, by path, with what follows from all of them: each page names the version and the modules that it
 * loads, and the service worker knows every file, so that each changes when any file does.
 */
export function finishedPages(files: ReadonlyMap<string, Buffer>): Map<string, Buffer> {
  const contents = Array.from(files, ([path, body]) => `${path} ${hashOf(body)}`);
  const version = hashOf(Buffer.from(contents.toSorted((a, b) => (a < b ? -1 : 1)).join('\n')));
  const textOf = (path: string): string => files.get(path)?.toString() ?? '';
  const finished = new Map(files);
  for (const path of files.keys()) {
    if (path.endsWith('.html'))
      finished.set(path, Buffer.from(withVersion(withPreloads(textOf(path), textOf), version)));
  }
  const worker = textOf(WORKER);
  if (worker) finished.set(WORKER, Buffer.from(worker.replace(NO_FILES, () => filesOf(finished, version))));
  return finished;
}

const WORKER = 'sw.js';
const NO_FILES = "{ version: '', pages: {}, parts: [] }";

/** What the service worker keeps: the inspector needs its server. */
function filesOf(files: ReadonlyMap<string, Buffer>, version: string): string {
  const kept = [...files].filter(([path]) => path !== WORKER && !path.startsWith('inspect'));
  const pages = kept.filter(([path]) => path.endsWith('.html')).map(([path, body]) => [path, hashOf(body)]);
  const parts = kept.map(([path]) => path).filter((path) => !path.endsWith('.html'));
  return JSON.stringify({ version, pages: Object.fromEntries(pages), parts });
}

const withVersion = (page: string, version: string): string =>
  page.replace('<head>', `<head>\n    <meta name="version" content="${version}" />`);

/** The page with a link to each module: a browser asks for all at once, and need not read one to learn of the next. */
function withPreloads(page: string, textOf: (path: string) => string): string {
  const [script, entry] = SCRIPT.exec(page) ?? [];
  if (!script || !entry) return page;
  const links = importedBy(entry, textOf).map((path) => `<link rel="modulepreload" href="${path}" />`);
  return page.replace(script, [script, ...links].join('\n    '));
}

/** All that it imports, and those import, nearest first. */
function importedBy(entry: string, textOf: (path: string) => string): string[] {
  const found = new Set([entry]);
  for (const path of found) {
    for (const [, imported = ''] of textOf(path).matchAll(IMPORT)) found.add(posix.join(path, '..', imported));
  }
  found.delete(entry);
  return [...found];
}
