import { testEngine } from './every-engine.ts';
import { WEBKIT } from './engine.ts';

testEngine(WEBKIT);
