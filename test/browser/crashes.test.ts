import { describe, expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { requires } from '../support/requires.ts';
import { until } from '../support/until.ts';
import { Server, button, log, setTheStage, shows, textsOn, tryNow, twoPeople, write } from './stage.ts';

const test = requires('chromium');
setTheStage();

const CRASHES = 5;

describe('when the server is killed and started again, over and over, while both write,', () => {
  test('every message is shown once on both sides, in the order in which its sender wrote, also after a reload', async () => {
    const server = await Server.start();
    const { henry, jjeong } = await twoPeople(server);
    const written = { henry: [] as string[], jjeong: [] as string[] };
    let crashes = 0;
    const isOver = () => crashes === CRASHES;
    const keepWriting = async (page: Page, name: 'henry' | 'jjeong') => {
      while (!isOver()) {
        const text = `${name} ${written[name].length}`;
        written[name].push(text);
        await write(page, text);
        await shows(page, text);
      }
    };
    const keepCrashing = async () => {
      for (; !isOver(); crashes += 1) {
        const goal = written.henry.length + 4;
        await until('some more messages', () => written.henry.length >= goal);
        await server.end('SIGKILL');
        await until('some written in vain', () => written.henry.length >= goal + 2);
        await server.startAgain();
      }
    };

    await Promise.all([keepWriting(henry, 'henry'), keepWriting(jjeong, 'jjeong'), keepCrashing()]);
    const all = [...written.henry, ...written.jjeong];
    const everywhere = async () => {
      await Promise.all([henry, jjeong].map(tryNow));
      const counts = await Promise.all([henry, jjeong].map(async (page) => (await textsOn(page)).length));
      return counts.every((count) => count >= all.length);
    };
    await until('all messages on both sides', everywhere, 60_000);

    const expectEachOnce = async () => {
      for (const page of [henry, jjeong]) {
        const texts = await textsOn(page);
        expect(texts.toSorted()).toEqual(all.toSorted());
        expect(texts.filter((text) => text.startsWith('henry'))).toEqual(written.henry);
        expect(texts.filter((text) => text.startsWith('jjeong'))).toEqual(written.jjeong);
      }
    };
    await expectEachOnce();
    await Promise.all([henry.reload(), jjeong.reload()]);
    await Promise.all([henry, jjeong].map((page) => shows(page, written.henry.at(-1)!, written.jjeong.at(-1)!)));
    for (const page of [henry, jjeong]) {
      const earlier = button(page, 'Load earlier messages');
      while (await earlier.isVisible()) {
        const before = (await textsOn(page)).length;
        await log(page).evaluate((element) => element.scrollTo(0, 0));
        await until('earlier messages', async () => (await textsOn(page)).length > before);
      }
    }
    await expectEachOnce();
  });
});
