import { expect } from '@jest/globals';
import { chatOf } from '../browser/stage.ts';
import { run } from '../command/running.ts';
import type { requires } from '../support/requires.ts';
import { until } from '../support/until.ts';
import { commandWatched, history, newTab, send, serveWatched } from './stage.ts';

/** What two people do with the pages. In Chromium, `test/browser` shows the same. */
export function testFlows(test: ReturnType<typeof requires>): void {
  test('a message is sent and another received, and a reload shows each once', async () => {
    const { server, gate } = await serveWatched();
    const henry = await (await newTab()).open(chatOf(gate, 'henry', 'jjeong'));

    await henry.write('hello');
    await henry.says('Sent');
    await send(server, 'jjeong', 'henry', '안녕');
    await henry.shows('hello', '안녕');
    await henry.open(chatOf(gate, 'henry', 'jjeong'));

    expect(await henry.texts()).toEqual(['hello', '안녕']);
  });

  test('a message is edited, reacted to, answered and removed', async () => {
    const { gate } = await serveWatched();
    const henry = await (await newTab()).open(chatOf(gate, 'henry', 'jjeong'));
    const choose = async (item: string) => {
      await henry.tab.evaluate(
        `document.querySelector('.bubble').dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true }))`,
      );
      await henry.sees(item, `document.querySelector('.menu:popover-open ${item}')`);
      await henry.tab.evaluate(`document.querySelector('.menu ${item}').click()`);
    };
    await henry.write('helo');
    await henry.says('Sent');

    await choose('[data-action=edit]');
    await henry.tab.evaluate(`document.querySelector('textarea').select()`);
    await henry.tab.type('hello\n');
    await henry.says('edited');
    await choose('[role=menuitemcheckbox]');
    await henry.sees('the reaction', `document.querySelector('.chip')`);
    await choose('[data-action=reply]');
    await henry.tab.type('yes\n');
    await henry.sees('the quote', `document.querySelector('.quote')?.innerText.includes('hello')`);
    await choose('[data-action=remove]');
    await henry.tab.evaluate(`document.querySelector('[role=alertdialog] [data-action=remove]').click()`);
    await henry.says('Message removed');
    await henry.open(chatOf(gate, 'henry', 'jjeong'));

    expect(await henry.texts()).toEqual(['Message removed', 'yes']);
  });

  test('a picture waits while the server is away, survives a reload, and reaches both people', async () => {
    const { gate } = await serveWatched();
    const henry = await (await newTab()).open(chatOf(gate, 'henry', 'jjeong'));
    const jjeong = await (await newTab()).open(chatOf(gate, 'jjeong', 'henry'));
    const shownBy = (name: string) =>
      `document.querySelector('[aria-label="Picture ${name}"] img')?.naturalWidth === 2048`;

    gate.rule = () => 'refused';
    await henry.attachPicture('hill.jpg', 3000, 2000);
    await henry.write('look');
    await henry.sees('the upload', `document.querySelector('progress')`);
    gate.rule = (path, method) => (method === 'POST' && path.startsWith('/files') ? 'refused' : 'through');
    await henry.open(chatOf(gate, 'henry', 'jjeong'));
    await henry.sees('the upload', `document.querySelector('progress')`);
    gate.rule = () => 'through';

    await jjeong.sees('the picture', shownBy('hill.jpg'));
    await jjeong.shows('look');
    await henry.sees('no upload', `!document.querySelector('progress')`);
    await henry.open(chatOf(gate, 'henry', 'jjeong'));
    await henry.sees('the picture', shownBy('hill.jpg'));
  });

  test('messages written while the server is away are sent in order when it is back', async () => {
    const { server, gate } = await commandWatched();
    const henry = await (await newTab()).open(chatOf(gate, 'henry', 'jjeong'));
    await server.end('SIGKILL');

    await henry.write('one');
    await henry.write('two');
    await henry.says('Reconnecting…');
    await server.startAgain();
    await henry.says('Back online.');
    await henry.says('Sent');

    expect(await henry.texts()).toEqual(['one', 'two']);
    expect(await history(server, 'jjeong', 'henry')).toEqual(['one', 'two']);
  });

  test('nothing is lost while a proxy answers 502', async () => {
    const { server, gate } = await serveWatched();
    const henry = await (await newTab()).open(chatOf(gate, 'henry', 'jjeong'));
    gate.rule = () => 'refused';
    gate.cut();

    await henry.write('one');
    await henry.says('Reconnecting…');
    await until('a stream that was answered 502', () => gate.refused.some((path) => /status(?!.*wait=)/.test(path)));
    await send(server, 'jjeong', 'henry', 'meanwhile');
    gate.rule = () => 'through';
    await henry.shows('meanwhile');
    await henry.says('Sent');

    expect((await henry.texts()).toSorted()).toEqual(['meanwhile', 'one']);
  });

  test('the Enter that ends a syllable sends nothing', async () => {
    const { gate } = await serveWatched();
    const henry = await (await newTab()).open(chatOf(gate, 'henry', 'jjeong'));

    await henry.tab.evaluate(`(() => {
      const box = document.querySelector('textarea');
      const enter = (more) => box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...more }));
      box.focus();
      box.dispatchEvent(new CompositionEvent('compositionstart', { bubbles: true }));
      box.value = '안녕';
      box.dispatchEvent(new InputEvent('input', { bubbles: true, isComposing: true }));
      enter({ isComposing: true, keyCode: 229 });
      box.dispatchEvent(new CompositionEvent('compositionend', { bubbles: true, data: '녕' }));
      enter({ keyCode: 229 });
    })()`);
    expect(await henry.texts()).toEqual([]);
    await henry.tab.type('\n');
    await henry.says('Sent');

    expect(await henry.texts()).toEqual(['안녕']);
  });

  test('a hidden page counts new messages until somebody looks at it', async () => {
    const { server, gate } = await serveWatched();
    const henry = await (await newTab()).open(chatOf(gate, 'henry', 'jjeong'));

    await henry.look('away');
    await send(server, 'jjeong', 'henry', 'psst');
    await henry.sees('the count', `document.title.startsWith('(1)')`);
    await henry.look('at it');

    await henry.sees('no count', `!document.title.startsWith('(')`);
    expect(await henry.texts()).toEqual(['psst']);
  });

  test('the first page leads into a chat, and a name leads into a room', async () => {
    const { server, gate } = await serveWatched();
    const henry = await newTab();

    await henry.tab.goto(gate.url);
    await henry.sees('jjeong', `(${PERSON})`);
    await henry.tab.evaluate(`(${PERSON}).click()`);
    await henry.isReady();
    await henry.write('hello');
    await henry.says('Sent');
    await henry.tab.goto(new URL('room.html?room=lobby', gate.url).href);
    await henry.sees('the room or its door', `document.querySelector('#name, textarea')`);
    if (await henry.tab.evaluate(`document.querySelector('#name') !== null`)) await henry.tab.type('henry\n');
    await henry.isReady();
    await henry.write('hello all');
    await until('stored', async () => (await history(server, 'room.lobby')).includes('hello all'));

    expect(await henry.texts()).toEqual(['hello all']);
    expect(await history(server, 'jjeong', 'henry')).toEqual(['hello']);
  });

  test('an invitation link lets a person in', async () => {
    const { server, gate } = await commandWatched('--access', 'links');
    const invitation = async (who: string) =>
      (await run(['invite', who, '--dir', server.dir, '--url', gate.url])).stdout.match(/http\S+#key=\S+/)?.[0] ?? '';
    await invitation('jjeong');
    const henry = await newTab();

    await henry.tab.goto(await invitation('henry'));
    await henry.sees('jjeong', `(${PERSON})`);
    await henry.open(chatOf(gate, 'henry', 'jjeong'));
    await henry.write('let in');
    await henry.says('Sent');

    expect(await henry.texts()).toEqual(['let in']);
  });
}

const PERSON = `[...document.querySelectorAll('a.person')].find((entry) => entry.innerText.includes('jjeong'))`;
