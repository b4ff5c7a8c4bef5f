import { testEngine } from './every-engine.ts';
import { CHROMIUM } from './engine.ts';

testEngine(CHROMIUM);
