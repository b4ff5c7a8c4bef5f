import { readFileSync, readdirSync } from 'node:fs';
import { get } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { PACKAGE_DIR, buildPackage } from '../support/built-package.ts';
import { serveChat } from '../support/serve-chat.ts';

const FILES = readdirSync(join(PACKAGE_DIR, 'public'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => join(parentPath, name).slice(join(PACKAGE_DIR, 'public').length));

test('files for code editors are not served, however the address is written', async () => {
  const { url } = await serveChat();
  const forEditors = FILES.filter((path) => path.endsWith('.ts') || path.endsWith('tsconfig.json'));
  expect(forEditors.length).toBeGreaterThan(2);

  const forms = forEditors.flatMap((path) => [path, path.replaceAll('.', '%2e'), `/lang/..%2f${path}`, `/.${path}`]);
  const statuses = await Promise.all(forms.map(async (path) => [path, (await fetch(url + path)).status]));

  expect(statuses).toEqual(forms.map((path) => [path, 404]));
});

test('all other files are served, but not sent again to a browser that has them', async () => {
  const { url } = await serveChat();
  const forPages = FILES.filter((path) => !path.endsWith('.ts') && !path.endsWith('tsconfig.json'));

  for (const path of forPages) {
    const first = await fetch(url + path);
    const again = await fetch(url + path, { headers: { 'If-None-Match': first.headers.get('etag')! } });

    expect({ path, statuses: [first.status, again.status] }).toEqual({ path, statuses: [200, 304] });
    expect(await again.text()).toBe('');
  }
});

test('a page is sent as the build compressed it, and is the same in every encoding', async () => {
  buildPackage();
  const { url } = await serveChat();
  const page = async (encoding: string): Promise<{ encoding: string | undefined; bytes: number; text: string }> => {
    const answer = await undecoded(`${url}/js/chat.js`, encoding);
    const unpack = { br: brotliDecompressSync, gzip: gunzipSync }[answer.encoding ?? ''] ?? ((bytes: Buffer) => bytes);
    return { encoding: answer.encoding, bytes: answer.body.length, text: unpack(answer.body).toString() };
  };

  const [best, second, none, refused] = [
    await page('gzip, deflate, br'),
    await page('gzip, br;q=0'),
    await page('identity'),
    await page('br;q=0, gzip;q=0.0'),
  ];

  expect([best, second, none, refused].map(({ encoding }) => encoding)).toEqual(['br', 'gzip', undefined, undefined]);
  expect(best.bytes).toBeLessThanOrEqual(second.bytes);
  expect(second.bytes).toBeLessThan(none.bytes);
  expect(new Set([best.text, second.text, none.text, refused.text])).toHaveProperty('size', 1);
});

test('a module is sent without its comments, and says the same', async () => {
  const { url } = await serveChat();
  const modules = FILES.filter((path) => path.endsWith('.js') && path !== '/sw.js'); // the server writes into this file
  expect(modules.length).toBeGreaterThan(20);

  for (const path of modules) {
    const sent = await (await fetch(url + path)).text();
    const written = readFileSync(join(PACKAGE_DIR, 'public', path), 'utf8').split('\n');

    expect(sent).not.toMatch(/^\s*(?:\/\*\*|\/\/)/m);
    const code = written.map((line) =>
      line.replaceAll(/^\s*\/\*\*.*\*\/\s*|\s\/\/ [^'"`]*$|\/\*\* @type [^*]*\*\/ /g, '').trim(),
    );
    const isCode = (line: string) => line !== '' && !/^(?:\/\*\*|\*|\/\/)/.test(line);
    const lines = sent.split('\n').map((line) => line.trim());
    expect(lines.filter((line) => line !== '')).toEqual(code.filter(isCode));
  }
});

test('a page names every module that it loads, so that a browser requests all of them at once', async () => {
  const { url } = await serveChat();
  const textAt = async (path: string) => (await fetch(url + path)).text();

  for (const page of FILES.filter((path) => path.endsWith('.html'))) {
    const html = await textAt(page);
    const named = Array.from(html.matchAll(/(?:modulepreload" href|module" src)="([^"]+)"/g), ([, path]) => `/${path}`);
    const loaded = new Set<string>();
    for (const path of named) {
      for (const [, imported] of (await textAt(path)).matchAll(/^(?:import|export)\s[^']*from '(\.[^']+)'/gm)) {
        loaded.add(join(path, '..', imported!));
      }
    }

    expect(loaded.size).toBeGreaterThan(5);
    expect([...loaded].filter((path) => !named.includes(path))).toEqual([]);
    expect(named).toHaveLength(new Set(named).size);
  }
});

test('the service worker knows every file of the chat pages, and no address of the API', async () => {
  const { url } = await serveChat();
  const worker = await (await fetch(`${url}/sw.js`)).text();
  const { version, pages, parts } = JSON.parse(/const FILES = (.*);/.exec(worker)![1]!) as {
    version: string;
    pages: Record<string, string>;
    parts: string[];
  };

  for (const [path, hash] of Object.entries(pages)) {
    expect((await fetch(`${url}/${path}`)).headers.get('etag')).toContain(hash);
  }
  expect(version).toMatch(/^[0-9a-f]{16}$/);
  const kept = [...Object.keys(pages), ...parts].map((path) => `/${path}`);
  const ofChat = FILES.filter((path) => !/\.ts$|tsconfig\.json$|^\/inspect|^\/sw\.js$/.test(path));
  expect(kept.toSorted()).toEqual(ofChat.toSorted());
});

/** `fetch` would decompress the bytes. */
function undecoded(url: string, accept: string): Promise<{ encoding: string | undefined; body: Buffer }> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'Accept-Encoding': accept } }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => resolve({ encoding: res.headers['content-encoding'], body: Buffer.concat(chunks) }));
    }).on('error', reject);
  });
}
