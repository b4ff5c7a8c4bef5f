import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { header, type Middleware } from './request.ts';

const PUBLIC = fileURLToPath(new URL('../../public', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
};

interface PageFile {
  readonly type: string;
  readonly etag: string;
  readonly body: Buffer;
}

let known: ReadonlyMap<string, PageFile> | undefined;

/** Answers with a file that a page is made of, from memory. They are read once: a change shows after the next start. */
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

function send(req: IncomingMessage, res: ServerResponse, { type, etag, body }: PageFile): void {
  const headers = { ETag: etag, 'Cache-Control': 'public, max-age=0' };
  if (header(req, 'if-none-match')?.includes(etag)) {
    res.writeHead(304, headers).end();
    return;
  }
  res.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': body.length });
  res.end(req.method === 'HEAD' ? undefined : body);
}

/** Every file that a browser loads, by its path: not what only an editor reads. */
function pageFiles(): Map<string, PageFile> {
  const found = readdirSync(PUBLIC, { recursive: true, withFileTypes: true });
  const paths = found.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return new Map(paths.filter(isOfPages).map((path) => [`/${relative(PUBLIC, path)}`, read(path)]));
}

function isOfPages(path: string): boolean {
  return extname(path) === '.json' ? basename(dirname(path)) === 'lang' : extname(path) in TYPES;
}

function read(path: string): PageFile {
  const body = readFileSync(path);
  const etag = `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"`;
  return { type: TYPES[extname(path)]!, etag, body };
}
