import { expect } from '@jest/globals';
import { chatOf } from '../browser/stage.ts';
import type { requires } from '../support/requires.ts';
import { until } from '../support/until.ts';
import { newTab, send, serveWatched } from './stage.ts';

const TABS = 8;

/** How tabs share what they have, and what a browser keeps of a page that one leaves. */
export function testTabs(test: ReturnType<typeof requires>): void {
  test(`${TABS} tabs share one stream, and the others go on when the first is closed`, async () => {
    const { server, gate } = await serveWatched();
    const open = async () => (await newTab()).open(chatOf(gate, 'henry', 'jjeong'));
    const henrys = await Promise.all(Array.from({ length: TABS }, open));

    await send(server, 'jjeong', 'henry', 'to all');
    await Promise.all(henrys.map((henry) => henry.shows('to all')));
    await until('one stream', () => gate.streams === 1); // a tab in front takes it over from one behind
    await henrys[0]!.tab.close();
    await henrys[1]!.write('still there');
    await send(server, 'jjeong', 'henry', 'to the rest');
    const rest = henrys.slice(1);
    await Promise.all(rest.map((henry) => henry.shows('to the rest', 'still there')));

    const shown = await Promise.all(rest.map(async (henry) => (await henry.texts()).toSorted()));
    expect(shown).toEqual(rest.map(() => ['still there', 'to all', 'to the rest']));
  });

  test('a page that the Back button restores shows what came meanwhile', async () => {
    const { server, gate } = await serveWatched();
    const henry = await (await newTab()).open(chatOf(gate, 'henry', 'jjeong'));
    await henry.tab.goto(gate.url);
    await henry.sees('the picker', `document.querySelector('a.person') !== null`);
    await send(server, 'jjeong', 'henry', 'meanwhile');

    await henry.tab.back();

    await henry.shows('meanwhile');
  });

  test('errors on a page are noticed, so that they fail the test', async () => {
    const { gate } = await serveWatched();
    const henry = await newTab();
    await henry.tab.goto(gate.url);

    await henry.tab.evaluate(`console.error('an error')`);
    await henry.tab.evaluate(`document.head.append(Object.assign(document.createElement('script'), { text: '1' }))`);
    await henry.sees('both', `JSON.parse(sessionStorage.getItem('complaints')).length === 2`);

    expect(await henry.takeComplaints()).toEqual(['an error', expect.stringMatching(/^script-src.* inline$/)]);
  });
}
