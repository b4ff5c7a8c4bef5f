import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { pageFiles } from '../../src/http/page-files.ts';
import { PACKAGE_DIR } from '../support/built-package.ts';

const PUBLIC = join(PACKAGE_DIR, 'public');
const CHAT_PAGES = ['index.html', 'chat.html', 'chat1.html', 'chat2.html', 'room.html'];

/** What modules import when they need it. */
const LATER = /import\(['"](\.[^'"]+)['"]\)/g;

/** The files that a page refers to in its markup, the imports of its modules and its style sheet. */
const ADDRESSES = [
  /\s(?:src|href)="([^"#]+)"/g,
  /(?:\bfrom|^import) ['"](\.[^'"]+)['"]/gm,
  /new URL\(['"](\.[^'"]+)['"]/g,
  /url\(([^)]+)\)/g,
];

/** Everything that a page may load, with the texts of each language. */
function loadedBy(pages: readonly string[], words: string, addresses = ADDRESSES): Set<string> {
  const found = new Set([...pages, `${words}/en.json`, `${words}/ko.json`]);
  for (const file of found) {
    if (!/\.(?:html|js|css)$/.test(file)) continue;
    const text = readFileSync(join(PUBLIC, file), 'utf8').replaceAll(/\/\*\*.*?\*\//gs, '');
    for (const pattern of addresses) {
      for (const [, address] of text.matchAll(pattern)) {
        const path = relative('/', join('/', file, '..', address!));
        if (/\.\w+$/.test(path)) found.add(path);
      }
    }
  }
  return found;
}

/** The size of files as they are sent. */
function gzipped(files: Iterable<string>): number {
  const sent = pageFiles();
  return [...files].reduce((sum, file) => sum + gzipSync(sent.get(`/${file}`)!.body).length, 0);
}

const chat = loadedBy(CHAT_PAGES, 'lang');
const inspect = loadedBy(['inspect.html'], 'inspect/lang');

test.each(CHAT_PAGES)('Everything that %s loads is at most 60,000 bytes, compressed', (page) => {
  const files = loadedBy([page], 'lang');

  files.delete('sw.js'); // later, by itself

  expect([...files]).toEqual(expect.arrayContaining(['js/tabs.js', 'style.css', 'js/page.js']));
  expect(gzipped(files)).toBeLessThanOrEqual(60_000);
});

test('What the chat pages load once they are open is at most 17,000 bytes, compressed', () => {
  const later = [...loadedBy(CHAT_PAGES, 'lang', [...ADDRESSES, LATER])].filter((file) => !chat.has(file));

  expect(later).toEqual(expect.arrayContaining(['js/viewer.js', 'js/search.js', 'later.css']));
  expect(gzipped(later)).toBeLessThanOrEqual(17_000);
});

test('The service worker, which a browser loads once a page is open, is at most 2,500 bytes, compressed', () => {
  expect(gzipped(['sw.js'])).toBeLessThanOrEqual(2500);
});

test('The chat pages load nothing of inspect.html, whose own files are at most 15,000 bytes, compressed', () => {
  const own = [...inspect].filter((file) => !chat.has(file));

  expect([...chat].filter((file) => file.startsWith('inspect'))).toEqual([]);
  expect(own).toEqual(expect.arrayContaining(['inspect.html', 'inspect/page.js', 'inspect/bytes.js']));
  expect(own.filter((file) => !file.startsWith('inspect'))).toEqual([]);
  expect(gzipped(own)).toBeLessThanOrEqual(15_000);
});
