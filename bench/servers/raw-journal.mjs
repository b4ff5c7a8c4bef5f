/** Floor: node:http with one journal for all mailboxes; all messages that wait share one write and one fdatasync. */
import { join } from 'node:path';
import { GroupCommit } from './group-commit.mjs';
import { serveChat } from './raw-http.mjs';

const [, , dir = '.'] = process.argv;
const journal = new GroupCommit(join(dir, 'journal.txt'));

serveChat((event, kept) => journal.keep(event, kept));
