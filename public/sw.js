/**
 * Opens the pages while the server is away. It keeps every file of the pages, and nothing else. A page that comes from the
 * server is preferred. If its ETag shows that it belongs to the kept files, these are used, without a request
 * for them. Otherwise everything comes from the server, and the new files are kept for the next visit.
 */

/**
 * The server fills this in, so that this script changes when a file does. `pages`: the pages that a browser can open, with the
 * hashes of their bytes, which identify the version. `parts`: the files that they load.
 * @type {{ version: string, pages: Record<string, string>, parts: string[] }}
 */
const FILES = { version: '', pages: {}, parts: [] };
const PAGES = new Map(Object.entries(FILES.pages));
const PATHS = new Set([...PAGES.keys(), ...FILES.parts]);
const KEPT = `mailbox-chat/pages ${new URL('.', location.href).pathname} `;
const CACHE = KEPT + FILES.version;
const PAGE_WITHIN_MS = 4000;
const FILE_WITHIN_MS = 10_000;

/** Pages whose version is known. After another start, this worker asks the server again. @type {Set<string>} */
const ofThisVersion = new Set();

addEventListener('install', (event) => {
  skipWaiting(); // open pages have all they need
  event.waitUntil(keepFiles());
});

addEventListener('activate', (event) => event.waitUntil(dropOlder()));

addEventListener('fetch', (event) => {
  const { request, clientId, resultingClientId } = event;
  const path = pathOf(request);
  if (path === undefined) return;
  if (request.mode === 'navigate') event.respondWith(page(request, path, resultingClientId));
  else if (ofThisVersion.has(clientId)) event.respondWith(kept(path).then((response) => response ?? fetch(request)));
  else event.respondWith(fetch(request).catch(() => keptOr(path, Response.error())));
});

/** The path of a file of the pages, as FILES names it. @param {Request} request */
function pathOf({ method, url, cache }) {
  const here = new URL('.', location.href).href;
  if (method !== 'GET' || cache === 'no-store' || !url.startsWith(here)) return undefined;
  const [path = ''] = url.slice(here.length).split(/[?#]/, 1);
  const named = path === '' ? 'index.html' : path;
  return PATHS.has(named) ? named : undefined;
}

/** @param {Request} request @param {string} path @param {string} client */
async function page(request, path, client) {
  const fresh = fetch(request);
  const late = new Promise((resolve) => setTimeout(resolve, PAGE_WITHIN_MS));
  const response = await Promise.race([fresh, late]).catch(() => undefined);
  // A proxy answers 502 while the server is away.
  if (response && response.status < 500) {
    const hash = PAGES.get(path);
    if (hash && response.headers.get('etag')?.includes(hash)) ofThisVersion.add(client);
    return response;
  }
  const known = await kept(path);
  if (known) ofThisVersion.add(client);
  return known ?? response ?? fresh;
}

/** @param {string} path */
async function kept(path) {
  return await (await caches.open(CACHE)).match(path);
}

/** @param {string} path @param {Response} other */
const keptOr = async (path, other) => (await kept(path)) ?? other;

/** One after the other: on a dead network, all at once would hold every connection of the browser, and no message be sent. */
async function keepFiles() {
  const cache = await caches.open(CACHE);
  for (const path of PATHS) {
    await cache.add(new Request(path, { cache: 'no-cache', signal: AbortSignal.timeout(FILE_WITHIN_MS) }));
  }
}

async function dropOlder() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(KEPT) && name !== CACHE).map((name) => caches.delete(name)));
}
