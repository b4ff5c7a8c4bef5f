import { describe, expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { requires } from '../support/requires.ts';
import { until } from '../support/until.ts';
import { serveChat } from '../support/serve-chat.ts';
import { Gate } from './gate.ts';
import {
  Server,
  chatOf,
  isReady,
  newBrowser,
  openChat,
  says,
  setTheStage,
  shows,
  textsOn,
  twoPeople,
  write,
} from './stage.ts';

const test = requires('chromium');
// A plain http address other than localhost: the usual way to reach another computer at home.
setTheStage('--host-resolver-rules=MAP chat.test 127.0.0.1');

/** Speeds up the heartbeat, so that the page soon misses it. */
const hurried = (text: string) => text.replace(/"heartbeatMs":\d+/, '"heartbeatMs":400');

/** Stores a name, so that no page asks for one. An empty page has no storage. */
function enterAs(name: string): void {
  if (location.protocol === 'http:') localStorage.setItem('mailbox-chat.room-name', name);
}

async function tabs(page: Page, count: number): Promise<Page[]> {
  const others = Array.from({ length: count - 1 }, () => openChat(page.context(), page.url()));
  return [page, ...(await Promise.all(others))];
}

describe('eight tabs of one person', () => {
  test('share one connection, even without https: http://chat.test', async () => {
    const server = await serveChat({ allowedHosts: ['chat.test'] });
    const address = `http://chat.test:${new URL(server.url).port}/chat1.html`;
    const gate = await Gate.before(server);
    const jjeong = await openChat(await newBrowser(), chatOf(gate, 'jjeong', 'henry'));
    const henrys = await tabs(await openChat(await newBrowser(), address), 8);
    expect(await henrys[0]!.evaluate(() => [isSecureContext, 'randomUUID' in crypto])).toEqual([false, false]);

    await Promise.all(henrys.map((tab, i) => write(tab, `from tab ${i}`)));
    const texts = henrys.map((_, i) => `from tab ${i}`);
    await Promise.all([jjeong, ...henrys].map((tab) => shows(tab, ...texts)));

    for (const tab of [jjeong, ...henrys]) expect((await textsOn(tab)).toSorted()).toEqual(texts);
  });

  test('continue within seconds after the tab with the connection crashes', async () => {
    const gate = await Gate.before(await serveChat());
    const jjeong = await openChat(await newBrowser(), chatOf(gate, 'jjeong', 'henry'));
    const atHenrys = await newBrowser();
    const [first, second] = await tabs(await openChat(atHenrys, new URL('chat1.html', gate.url).href), 2);
    const debug = await atHenrys.newCDPSession(first!);

    const crash = first!.waitForEvent('crash');
    debug.send('Page.crash').catch(() => undefined); // the crashed tab never answers
    await crash;
    await write(jjeong, 'still there?');
    await shows(second!, 'still there?');

    expect(gate.streams).toBe(2);
  });

  test('show everything when the browser refuses to store anything', async () => {
    const gate = await Gate.before(await serveChat());
    const atHenrys = await newBrowser();
    await atHenrys.addInitScript(() => {
      const refuse = () => {
        throw new DOMException('The operation is insecure.', 'SecurityError');
      };
      Object.assign(globalThis, { SharedWorker: refuse, BroadcastChannel: refuse });
      Object.defineProperty(globalThis, 'localStorage', { get: refuse });
    });
    const jjeong = await openChat(await newBrowser(), chatOf(gate, 'jjeong', 'henry'));
    const henrys = await tabs(await openChat(atHenrys, chatOf(gate, 'henry', 'jjeong')), 3);

    await write(jjeong, 'one');
    await write(henrys[1]!, 'two');
    await Promise.all([jjeong, ...henrys].map((tab) => shows(tab, 'one', 'two')));
  });
});

describe('seven rooms in seven tabs', () => {
  test('leave a connection free for sending, and each shows what is said', async () => {
    const gate = await Gate.before(await serveChat());
    const context = await newBrowser();
    await context.addInitScript(enterAs, 'mina');
    const rooms = Array.from({ length: 7 }, (_, i) => new URL(`room.html?room=r${i}`, gate.url).href);
    const pages: Page[] = [];
    for (const room of rooms) pages.push(await openChat(context, room));

    await Promise.all(pages.map((page, i) => write(page, `in room ${i}`)));
    await Promise.all(pages.map((page, i) => shows(page, `in room ${i}`)));
    const visitor = await newBrowser();
    await visitor.addInitScript(enterAs, 'jun');
    await write(await openChat(visitor, rooms[0]!), 'hello');
    await shows(pages[0]!, 'hello');

    expect(gate.mostStreams).toBeLessThan(7);
  });
});

describe('two people in one browser', () => {
  test('keep their mail, drafts and streams apart', async () => {
    const gate = await Gate.before(await serveChat());
    const context = await newBrowser();
    const henry = await openChat(context, new URL('chat1.html', gate.url).href);
    const jjeong = await openChat(context, new URL('chat2.html', gate.url).href);

    await write(henry, '안녕');
    await shows(jjeong, '안녕');
    await write(jjeong, 'hi');
    await shows(henry, 'hi');
    await henry.getByRole('textbox').fill('henry’s draft');
    await Promise.all([henry.reload(), jjeong.reload()]);
    await Promise.all([henry, jjeong].map((page) => shows(page, '안녕', 'hi')));

    expect(await jjeong.getByRole('textbox').inputValue()).toBe('');
    expect(await henry.getByRole('textbox').inputValue()).toBe('henry’s draft');
    expect(gate.mostStreams).toBe(2);
  });
});

describe('a stream', () => {
  test('that falls silent is opened again', async () => {
    const server = await serveChat();
    const gate = await Gate.before(server, hurried);
    const henry = await openChat(await newBrowser(), chatOf(gate, 'henry', 'jjeong'));
    const jjeong = await openChat(await newBrowser(), chatOf(server, 'jjeong', 'henry'));
    await write(jjeong, 'one');
    await shows(henry, 'one');
    await until('another connection', () => gate.passed.filter(({ path }) => path.startsWith('/status')).length > 1);

    await write(jjeong, 'two');
    await shows(henry, 'two');

    expect(await textsOn(henry)).toEqual(['one', 'two']);
  });

  test('that dies right after a message is reopened soon after the person sends the next one', async () => {
    const gate = await Gate.before(await serveChat());
    const henry = await openChat(await newBrowser(), chatOf(gate, 'henry', 'jjeong'));
    const streams = () => gate.passed.filter(({ path }) => path.startsWith('/status')).length;
    await until('the stream', () => streams() === 1);
    await henry.getByRole('textbox').fill('hello');

    await fetch(new URL('messages?sender=jjeong&receiver=henry&message=one', gate.url));
    await shows(henry, 'one');
    gate.rule = (path) => (path.startsWith('/status') ? 'muted' : 'through');
    await henry.getByRole('textbox').press('Enter');
    await says(henry, 'Sent');
    await until('another stream', () => streams() > 1);
  });

  test('that a proxy holds back is replaced by polling, and the page says so', async () => {
    const server = await serveChat();
    const gate = await Gate.before(server, hurried);
    const jjeong = await openChat(await newBrowser(), chatOf(server, 'jjeong', 'henry'));
    const henry = await openChat(await newBrowser(), chatOf(gate, 'henry', 'jjeong'));
    await write(jjeong, 'one');
    await shows(henry, 'one');

    gate.rule = (path) => (path.startsWith('/status') && !path.includes('wait=') ? 'muted' : 'through');
    await write(jjeong, 'two');
    await shows(henry, 'two');
    await says(henry, /^Live updates are blocked on this network\. Checking for new messages instead\.$/);
    await write(jjeong, 'three');
    await shows(henry, 'three');
    await write(henry, 'four');
    await shows(jjeong, 'four');

    for (const page of [henry, jjeong]) expect(await textsOn(page)).toEqual(['one', 'two', 'three', 'four']);
  });

  test('that gets no answer at first begins as soon as the server answers', async () => {
    const gate = await Gate.before(await serveChat());
    gate.rule = (path) => (/^\/(status|history|people)\b/.test(path) ? 'refused' : 'through');
    const henry = await (await newBrowser()).newPage();
    await henry.goto(chatOf(gate, 'henry', 'jjeong'));

    await write(henry, 'too early?');
    await says(henry, /^Reconnecting…/);
    gate.rule = () => 'through';
    await isReady(henry);
    const { jjeong } = await twoPeople(gate);
    await shows(jjeong, 'too early?');

    expect(await textsOn(henry)).toEqual(['too early?']);
  });

  test('that has ended clears what only a stream tells: who is online', async () => {
    const server = await Server.start();
    const gate = await Gate.before(server);
    const { henry } = await twoPeople(gate);
    const online = henry.getByText('Online', { exact: true });
    await online.waitFor();

    gate.rule = () => 'refused';
    await server.end('SIGKILL');
    await online.waitFor({ state: 'hidden' });
    await server.startAgain();
    gate.rule = () => 'through';

    await online.waitFor();
  });

  test('decides whether the page is connected, even if the browser says that it is offline', async () => {
    const server = await serveChat();
    const context = await newBrowser();
    await context.addInitScript(() => Object.defineProperty(Navigator.prototype, 'onLine', { get: () => false }));
    const henry = await openChat(context, chatOf(server, 'henry', 'jjeong'));

    await write(henry, 'hello');
    await says(henry, 'Sent');
    const { jjeong } = await twoPeople(server);
    await write(jjeong, 'an answer');
    await shows(henry, 'hello', 'an answer');

    expect(await henry.locator('.banner').isVisible()).toBe(false);
  });
});
