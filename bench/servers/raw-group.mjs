/** Floor: node:http with group commit, a queue for each mailbox file. */
import { join } from 'node:path';
import { GroupCommit } from './group-commit.mjs';
import { serveChat } from './raw-http.mjs';

const [, , dir = '.'] = process.argv;

/** @type {Map<string, GroupCommit>} */
const files = new Map();

serveChat((event, kept) => {
  let file = files.get(event.receiver);
  if (!file) {
    file = new GroupCommit(join(dir, `${event.receiver}.txt`));
    files.set(event.receiver, file);
  }
  file.keep(event, kept);
});
