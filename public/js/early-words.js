/** A page runs this by itself, before it has all its modules: its words come along with those. */
import { readWords } from './language.js';

readWords().catch(() => undefined); // the page asks again
