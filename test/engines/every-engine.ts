import { describe } from '@jest/globals';
import { requires } from '../support/requires.ts';
import { testDeadConnections } from './dead-connections.ts';
import { CHROMIUM, type Engine } from './engine.ts';
import { testFlows } from './flows.ts';
import { setTheStage } from './stage.ts';
import { testTabs } from './tabs.ts';

/** Each engine has its own test file, so that all run in parallel, and one browser for all its tests. */
export function testEngine(engine: Engine): void {
  const test = requires(...engine.needs);
  describe(`in ${engine.name}`, () => {
    setTheStage(engine);
    testTabs(test);
    if (engine !== CHROMIUM) testFlows(test);
    describe('with all connections dead', () => testDeadConnections(test, engine.name));
  });
}
