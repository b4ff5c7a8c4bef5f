import { existsSync, readFileSync, readdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { finishedPages, hashOf } from './finished-pages.ts';
import { header, type Middleware } from './request.ts';

/**
 * Where `npm run build` puts each file compressed, named by the hash of its bytes. A file without one is sent as it is.
 */
export const COMPRESSED = fileURLToPath(new URL('../../dist/pages', import.meta.url));
/** The best first, by their names in headers and on disk. */
const ENCODINGS = [
  ['br', 'br'],
  ['gzip', 'gz'],
] as const;

const PUBLIC = fileURLToPath(new URL('../../public', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};

interface PageFile {
  readonly type: string;
  readonly hash: string;
  readonly body: Buffer;
  /** By Content-Encoding. */
  readonly compressed: ReadonlyMap<string, Buffer>;
}

let known: ReadonlyMap<string, PageFile> | undefined;

/** Answers with a file of the pages, from memory. All are read once: a change shows after the next start. */
export const sendPageFile: Middleware = (req, res, next) => {
  const file = req.method === 'GET' || req.method === 'HEAD' ? fileAt(req.url ?? '') : undefined;
  if (file) send(req, res, file);
  else next();
};

function fileAt(url: string): PageFile | undefined {
  known ??= pageFiles();
  const path = url.split('?', 1)[0]!;
  return known.get(path === '/' ? '/index.html' : path);
}

function send(req: IncomingMessage, res: ServerResponse, { type, hash, body, compressed }: PageFile): void {
  const etag = `W/"${hash}"`; // the same for every encoding
  const headers = { ETag: etag, 'Cache-Control': 'public, max-age=0', Vary: 'Accept-Encoding' };
  if (header(req, 'if-none-match')?.includes(etag)) {
    res.writeHead(304, headers).end();
    return;
  }
  const encoding = Array.from(compressed.keys()).find((name) => accepts(req, name));
  const bytes = (encoding === undefined ? undefined : compressed.get(encoding)) ?? body;
  const encoded = encoding === undefined ? {} : { 'Content-Encoding': encoding };
  res.writeHead(200, { ...headers, ...encoded, 'Content-Type': type, 'Content-Length': bytes.length });
  res.end(req.method === 'HEAD' ? undefined : bytes);
}

function accepts(req: IncomingMessage, encoding: string): boolean {
  const named = (header(req, 'accept-encoding') ?? '').split(',').map((part) => part.split(';'));
  return named.some(([name = '', quality = '']) => name.trim() === encoding && !/^\s*q=0(?:\.0*)?\s*$/.test(quality));
}

/** Every file that a browser loads, by its path; files for editors are left out. */
export function pageFiles(): Map<string, PageFile> {
  const found = readdirSync(PUBLIC, { recursive: true, withFileTypes: true });
  const paths = found.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const files = paths.filter(isOfPages).map((path): [string, Buffer] => [relative(PUBLIC, path), read(path)]);
  return new Map(Array.from(finishedPages(new Map(files)), ([path, body]) => [`/${path}`, pageFile(path, body)]));
}

function isOfPages(path: string): boolean {
  return extname(path) === '.json' ? basename(dirname(path)) === 'lang' : extname(path) in TYPES;
}

/**
 * A comment that begins a line, or ends one: what looks like one in a text has a quote behind it. Or a type within a line.
 * Comments are a quarter of our modules, and no browser needs them.
 */
const COMMENT = /^[ \t]*(?:\/\*[^]*?\*\/[ \t]*|\/\/.*)\n?|[ \t]+\/\/ [^'"`\n]*$|\/\*\* @type \{[^*\n]*\} \*\/ /gm;

/** Indents and empty lines mean nothing: no text in our modules goes over several lines. */
const BLANKS = /^\s+/gm;

function read(path: string): Buffer {
  if (!/\.(?:js|css)$/.test(path)) return readFileSync(path);
  return Buffer.from(readFileSync(path, 'utf8').replaceAll(COMMENT, '').replaceAll(BLANKS, ''));
}

function pageFile(path: string, body: Buffer): PageFile {
  const hash = hashOf(body);
  const compressed = new Map<string, Buffer>();
  for (const [encoding, ending] of ENCODINGS) {
    const file = join(COMPRESSED, `${hash}.${ending}`);
    if (existsSync(file)) compressed.set(encoding, readFileSync(file));
  }
  return { type: TYPES[extname(path)]!, hash, body, compressed };
}
