import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { startChatProcess } from '../support/chat-process.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { listen } from '../support/listener.ts';
import { history, reportReceipt, say, wholeHistory } from '../support/requests.ts';
import { until } from '../support/until.ts';

async function two(): Promise<{ dir: string; here: { url: string }; there: { url: string } }> {
  const dir = temporaryDirectory();
  const [here, there] = [await startChatProcess(dir), await startChatProcess(dir)];
  return { dir, here, there };
}

/** A server learns within a second that another one has a page open. Until then, it sends it no notices. */
function knows(server: { url: string }, person: string): Promise<boolean> {
  return until(`the server to know that ${person} is on the other one`, async () => {
    const answer = await fetch(`${server.url}/people?receiver=mina`);
    const { people } = (await answer.json()) as { people: { name: string; online: boolean }[] };
    return people.some(({ name, online }) => name === person && online);
  });
}

describe('two servers on one directory', () => {
  test('deliver every message to every page, once and in order, whichever server accepted it', async () => {
    const { dir, here, there } = await two();
    const pages = [
      await listen(`${here.url}/status?receiver=henry`),
      await listen(`${there.url}/status?receiver=henry`),
      await listen(`${here.url}/status?receiver=henry&since=all`),
    ];
    const texts = Array.from({ length: 100 }, (_, i) => `number ${i}`);

    for (const [i, text] of texts.entries()) await say(i % 2 === 0 ? here : there, 'jjeong', 'henry', text);

    for (const page of pages) expect(await page.textsUpTo(texts.at(-1)!)).toEqual(texts);
    await until('the mailbox is empty', () => readFileSync(join(dir, 'henry.txt'), 'utf8') === '');
  });

  test('let people on different servers talk', async () => {
    const { here, there } = await two();
    const henry = await listen(`${here.url}/status?receiver=henry`);
    const jjeong = await listen(`${there.url}/status?receiver=jjeong`);

    await say(here, 'henry', 'jjeong', '안녕');
    await jjeong.textsUpTo('안녕');
    await say(there, 'jjeong', 'henry', 'hi');
    await henry.textsUpTo('hi');

    for (const server of [here, there]) {
      const { messages } = await history(server, 'henry', 'jjeong');
      expect(messages.map(({ message }) => message)).toEqual(['안녕', 'hi']);
    }
  });

  test('accept messages from many at once on both, and each page gets everything once', async () => {
    const { here, there } = await two();
    const pages = [
      await listen(`${here.url}/status?receiver=henry`),
      await listen(`${there.url}/status?receiver=henry`),
    ];
    const senders = ['jjeong', 'mina', 'minsu', 'yuna'];

    await Promise.all(
      senders.map(async (sender, s) => {
        for (let i = 0; i < 50; i += 1) await say(s % 2 === 0 ? here : there, sender, 'henry', `${sender} ${i}`);
      }),
    );
    await say(here, 'jjeong', 'henry', 'marker');

    const [first, second] = await Promise.all(pages.map((page) => page.textsUpTo('marker')));
    expect(second).toEqual(first);
    for (const sender of senders) {
      const own = first!.filter((text) => text.startsWith(`${sender} `));
      expect(own).toEqual(Array.from({ length: 50 }, (_, i) => `${sender} ${i}`));
    }
  });

  test('recognize a key that the other one has accepted', async () => {
    const { here, there } = await two();

    const first = await say(here, 'jjeong', 'henry', 'hi', 'k1');
    const second = await say(there, 'jjeong', 'henry', 'hi', 'k1');

    expect(second).toEqual(first);
    expect(await wholeHistory(there, 'henry', 'jjeong', 10)).toHaveLength(1);
  });

  test('show a receipt that the other one received', async () => {
    const { here, there } = await two();
    const page = await listen(`${there.url}/status?receiver=jjeong`, { types: ['read'] });
    const { id } = await say(there, 'jjeong', 'henry', 'hi');
    await history(here, 'henry', 'jjeong');
    await knows(here, 'jjeong');

    await reportReceipt(here, { receiver: 'henry', sender: 'jjeong', read: id });

    expect(await page.next()).toMatchObject({ type: 'read' });
    await until('the state', async () => (await history(there, 'jjeong', 'henry')).messages[0]?.state === 'read');
  });

  test('tell each other who is online and who types', async () => {
    const { here, there } = await two();
    const page = await listen(`${there.url}/status?receiver=jjeong`, { types: ['presence', 'typing'] });
    await until('henry away', () => page.heard.some(({ data }) => data.includes('"online":false')));

    await listen(`${here.url}/status?receiver=henry`);
    await until('henry here', () => page.heard.some(({ data }) => data.includes('"online":true')));
    await fetch(`${here.url}/typing`, {
      method: 'POST',
      body: new URLSearchParams({ sender: 'henry', receiver: 'jjeong' }),
    });

    await until('henry typing', () => page.heard.some(({ type }) => type === 'typing'));
  });

  test('share what other programs write, which each page gets once', async () => {
    const { dir, here, there } = await two();
    const pages = [
      await listen(`${here.url}/status?receiver=henry`),
      await listen(`${there.url}/status?receiver=henry`),
    ];
    const texts = Array.from({ length: 50 }, (_, i) => `line ${i}`);

    for (const text of texts) appendFileSync(join(dir, 'henry.txt'), `data: ${text}\n\n`);

    for (const page of pages) expect(await page.textsUpTo(texts.at(-1)!)).toEqual(texts);
  });

  test('take over from each other: a page continues at the other one with its cursor', async () => {
    const dir = temporaryDirectory();
    const here = await startChatProcess(dir);
    const there = await startChatProcess(dir);
    const page = await listen(`${here.url}/status?receiver=henry`);
    await say(here, 'jjeong', 'henry', 'one');
    const { id } = await page.next();
    page.close();

    expect(await here.stop()).toBe(0);
    await say(there, 'jjeong', 'henry', 'two');
    const again = await listen(`${there.url}/status?receiver=henry`, { lastEventId: id });

    expect(await again.textsUpTo('two')).toEqual(['two']);
  });
});
