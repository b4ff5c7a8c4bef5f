/** A page runs this before it has all its modules, so that its texts load at the same time. */
import { readWords } from './language.js';

readWords().catch(() => undefined); // the page will ask again
