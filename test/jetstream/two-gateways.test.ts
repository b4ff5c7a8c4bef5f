import '../support/on-nats.ts';
import { describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../support/directory.ts';
import { Listener, listen, textOf } from '../support/listener.ts';
import { history, reportReceipt, say, wholeHistory } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';

async function two(): Promise<[here: ServedChat, there: ServedChat]> {
  const dir = temporaryDirectory();
  return [await serveChat({ dir }), await serveChat({ dir })];
}

/** The data of the notices of one kind that a listener has heard. */
function notices({ heard }: Listener, type: string): Record<string, unknown>[] {
  return heard.filter((one) => one.type === type).map(({ data }) => JSON.parse(data) as Record<string, unknown>);
}

describe('two servers before one cluster', () => {
  test('deliver every message to every page, once and in order, whichever server accepted it', async () => {
    const [here, there] = await two();
    const pages = [
      await listen(`${here.url}/status?receiver=henry`),
      await listen(`${there.url}/status?receiver=henry`),
      await listen(`${here.url}/status?receiver=henry&since=all`),
    ];
    const texts = Array.from({ length: 100 }, (_, i) => `number ${i}`);

    for (const [i, text] of texts.entries()) await say(i % 2 === 0 ? here : there, 'jjeong', 'henry', text);

    for (const page of pages) expect(await page.textsUpTo(texts.at(-1)!)).toEqual(texts);
  });

  test('share keys, marks and history', async () => {
    const [here, there] = await two();
    const first = await say(here, 'jjeong', 'henry', 'once', 'a key');
    await reportReceipt(here, { receiver: 'henry', delivered: first.id });
    await here.stop();

    expect((await say(there, 'jjeong', 'henry', 'once', 'a key')).id).toBe(first.id);
    expect((await history(there, 'henry', 'jjeong')).messages).toMatchObject([{ message: 'once', state: 'delivered' }]);
  });

  test('continue a stream where the other server stopped', async () => {
    const [here, there] = await two();
    const page = await listen(`${here.url}/status?receiver=henry`);
    await say(there, 'jjeong', 'henry', 'one');
    const { id } = await page.next();
    page.close();
    await say(here, 'jjeong', 'henry', 'two');

    const again = await listen(`${there.url}/status?receiver=henry`, { lastEventId: id });

    expect(textOf(await again.next())).toBe('two');
  });

  test('serve a long history in pages without gaps', async () => {
    const [here, there] = await two();
    const texts = Array.from({ length: 130 }, (_, i) => `number ${i}`);
    for (const text of texts) await say(here, 'jjeong', 'henry', text);
    await Promise.all(texts.map((text) => say(here, 'mina', 'henry', `other ${text}`)));

    const whole = await wholeHistory(there, 'henry', 'jjeong', 7);

    expect(whole.map(({ message }) => message)).toEqual(texts);
  });

  test('show who is online and who has left, on pages of either server', async () => {
    const [here, there] = await two();
    const before = await listen(`${here.url}/status?receiver=henry`, { types: ['presence'] });
    await until('nobody', () => notices(before, 'presence').some(({ person }) => person === 'jjeong'));
    expect(notices(before, 'presence')).toMatchObject([{ person: 'jjeong', online: false }]);

    await listen(`${there.url}/status?receiver=jjeong`);
    await until('jjeong is here', () => notices(before, 'presence').at(-1)?.['online'] === true);
    const after = await listen(`${there.url}/status?receiver=mina&with=henry`, { types: ['presence'] });
    await until('henry was here', () =>
      notices(after, 'presence').some(({ person, online }) => person === 'henry' && online === true),
    );
    const { people } = (await (await fetch(`${here.url}/people?receiver=bob`)).json()) as {
      people: { name: string; online: boolean }[];
    };
    expect(people).toMatchObject([
      { name: 'henry', online: true },
      { name: 'jjeong', online: true },
    ]);

    await there.stop();
    await until('jjeong has left', () => notices(before, 'presence').at(-1)?.['online'] === false);
  });

  test('show who is typing and what was read, on pages of the other server', async () => {
    const [here, there] = await two();
    const types = ['typing', 'read'];
    const henry = await listen(`${here.url}/status?receiver=henry`, { types });
    const jjeong = await listen(`${there.url}/status?receiver=jjeong`, { types });

    await fetch(`${there.url}/typing`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ sender: 'jjeong', receiver: 'henry' }),
    });
    await until('jjeong types', () => notices(henry, 'typing').length > 0);
    const { id } = await say(there, 'jjeong', 'henry', 'hi');
    await reportReceipt(here, { receiver: 'henry', sender: 'jjeong', read: id });
    await until('henry has read it', () => notices(jjeong, 'read').length > 0);

    expect(notices(jjeong, 'read')).toEqual([{ receiver: 'henry', upTo: id }]);
  });

  test('share a room', async () => {
    const [here, there] = await two();
    const henry = await listen(`${here.url}/status?receiver=room.lobby&person=henry`, { types: ['presence'] });
    const jjeong = await listen(`${there.url}/status?receiver=room.lobby&person=jjeong`, { types: ['presence'] });
    await until('both are counted', () =>
      [henry, jjeong].every((page) => notices(page, 'presence').some(({ count }) => count === 2)),
    );

    await say(here, 'henry', 'room.lobby', 'hello all');

    for (const page of [henry, jjeong]) {
      await until('the message', () => page.heard.some((one) => textOf(one) === 'hello all'));
    }
  });
});
