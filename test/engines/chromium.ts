import { chromium } from 'playwright-core';
import { QUIETLY } from '../browser/stage.ts';
import { chromiumPath } from '../support/machine.ts';
import type { Browser, Tab } from './engine.ts';
import { processTree } from './process-tree.ts';

/** Chromium, with the back/forward cache that users have. */
export async function openChromium(): Promise<Browser> {
  const server = await chromium.launchServer({
    executablePath: chromiumPath() ?? '',
    args: QUIETLY,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
  const browser = await chromium.connect(server.wsEndpoint());
  const context = await browser.newContext({ locale: 'en-US' });
  return {
    processes: () => processTree(server.process().pid ?? 0),
    async newTab(): Promise<Tab> {
      const page = await context.newPage();
      return {
        goto: async (url) => void (await page.goto(url)),
        back: async () => void (await page.goBack()),
        close: () => page.close(),
        evaluate: (expression) => page.evaluate(expression),
        type: (text) => page.keyboard.type(text),
      };
    },
    close: () => server.close(),
  };
}
