import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { expect } from '@jest/globals';
import type { BrowserContextOptions, Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Everything that axe finds wrong with the page, one line each. */
async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  const results = (await page.evaluate(
    (values) => Reflect.get(globalThis, 'axe').run({ runOnly: { type: 'tag', values }, resultTypes: ['violations'] }),
    TAGS,
  )) as AxeResults;
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}

interface Look {
  readonly context: BrowserContextOptions;
  /** Another look of the same pages. A page takes it where it is. */
  readonly also?: NonNullable<Parameters<Page['emulateMedia']>[0]>;
}

export const LOOKS: Readonly<Record<string, Look>> = {
  'light, and in forced colours': { context: { colorScheme: 'light' }, also: { forcedColors: 'active' } },
  'a narrow, dark page in Korean without motion': {
    context: { colorScheme: 'dark', reducedMotion: 'reduce', viewport: { width: 320, height: 640 }, locale: 'ko-KR' },
  },
};

/** What sticks out of the page sideways. Nothing may: a page scrolls in one direction only. */
const overflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** Controls that are too small for a finger. Links within text may be as small as the text. */
const smallTargets = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('button, input, select, textarea, a:not(p a)')]
      .filter((one) => one.checkVisibility())
      .map((one) => ({ name: one.outerHTML.slice(0, 80), box: one.getBoundingClientRect() }))
      // Where a page is scrolled by a part of a pixel, 44 may come out as 43.9999.
      .map(({ name, box }) => ({
        name,
        width: Math.round(box.width * 100) / 100,
        height: Math.round(box.height * 100) / 100,
      }))
      .filter(({ width, height }) => width < 44 || height < 44)
      .map(({ name, width, height }) => `${name} ${width}×${height}`),
  );

/** Expects that axe finds nothing, nothing sticks out and no control is too small, in this look and also in another one. */
export async function expectAccessible(page: Page, state: string, also?: Look['also']): Promise<void> {
  const found = { violations: await violations(page), overflow: await overflow(page), small: await smallTargets(page) };
  expect({ state, ...found }).toEqual({ state, violations: [], overflow: 0, small: [] });
  if (!also) return;
  await page.emulateMedia(also);
  await expectAccessible(page, `${state}, ${JSON.stringify(also)}`);
  await page.emulateMedia({ forcedColors: null });
}
