/** Floor: node:http with one journal for all mailboxes; everyone who waits shares a write and an fdatasync. */
import { join } from 'node:path';
import { GroupCommit } from './group-commit.mjs';
import { serveChat } from './raw-http.mjs';

const [, , dir = '.'] = process.argv;
const journal = new GroupCommit(join(dir, 'journal.txt'));

serveChat((event, kept) => journal.keep(event, kept));
