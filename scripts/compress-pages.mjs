// Compresses every file of the pages into dist/pages, as well as possible: no server needs to do it while people wait.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { COMPRESSED, pageFiles } from '../dist/http/page-files.js';

rmSync(COMPRESSED, { recursive: true, force: true });
mkdirSync(COMPRESSED, { recursive: true });
for (const { hash, body } of pageFiles().values()) {
  keepIfSmaller(`${hash}.br`, brotliCompressSync(body), body);
  keepIfSmaller(`${hash}.gz`, gzipSync(body, { level: 9 }), body);
}

/** @param {string} name @param {Buffer} bytes @param {Buffer} body */
function keepIfSmaller(name, bytes, body) {
  if (bytes.length < body.length) writeFileSync(join(COMPRESSED, name), bytes);
}
