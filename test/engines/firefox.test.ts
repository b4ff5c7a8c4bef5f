import { testEngine } from './every-engine.ts';
import { FIREFOX } from './engine.ts';

testEngine(FIREFOX);
