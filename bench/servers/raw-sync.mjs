/** Floor: node:http with one write and one fdatasync per message, one by one for each mailbox file. */
import { fdatasync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { deliver, serveChat } from './raw-http.mjs';

const [, , dir = '.'] = process.argv;

/** @typedef {{ event: import('./raw-http.mjs').Kept, kept: () => void }} Waiting */
/** @type {Map<string, { fd: number, queue: Waiting[], busy: boolean }>} */
const files = new Map();

serveChat((event, kept) => {
  const file = fileOf(event.receiver);
  file.queue.push({ event, kept });
  if (!file.busy) writeNext(file);
});

/** @param {string} receiver */
function fileOf(receiver) {
  let file = files.get(receiver);
  if (!file) {
    file = { fd: openSync(join(dir, `${receiver}.txt`), 'a'), queue: [], busy: false };
    files.set(receiver, file);
  }
  return file;
}

/** @param {{ fd: number, queue: Waiting[], busy: boolean }} file */
function writeNext(file) {
  const next = file.queue.shift();
  file.busy = next !== undefined;
  if (!next) return;
  const { event, kept } = next;
  writeSync(file.fd, event.frame);
  fdatasync(file.fd, (error) => {
    if (error) throw error;
    deliver(event.receiver, event.frame);
    kept();
    writeNext(file);
  });
}
