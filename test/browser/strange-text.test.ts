import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { requires } from '../support/requires.ts';
import { say } from '../support/requests.ts';
import { serveChat } from '../support/serve-chat.ts';
import { chatOf, log, newBrowser, openChat, setTheStage, shows, textsOn, twoPeople, write } from './stage.ts';

const test = requires('chromium');
setTheStage(); // a dialog, an error or a broken policy on any page fails the test

const RUN = 'globalThis.ran=1';
const ELEMENTS = [
  'img src=x',
  'svg',
  'body',
  'video src=x',
  'audio src=x',
  'iframe',
  'input autofocus',
  'details open',
];
const HANDLERS = ['onerror', 'onload', 'onfocus', 'ontoggle', 'onmouseover', 'onanimationstart'];
const ADDRESSES = [
  'javascript:',
  'JaVaScRiPt:',
  'java\tscript:',
  ' javascript:',
  '&#106;avascript:',
  'data:text/html,',
  'vbscript:',
];

/** Ways to make a page run a script, from well-known collections. */
const ATTACKS = [
  `<script>${RUN}</script>`,
  `<script src="data:text/javascript,${RUN}"></script>`,
  `<scr<script>ipt>${RUN}</scr</script>ipt>`,
  `</textarea><script>${RUN}</script>`,
  `</title><script>${RUN}</script>`,
  `</style></script><script>${RUN}</script>`,
  `--><script>${RUN}</script>`,
  `]]><script>${RUN}</script>`,
  `'"><script>${RUN}</script>`,
  `\u003cscript\u003e${RUN}\u003c/script\u003e`,
  `&lt;script&gt;${RUN}&lt;/script&gt;`,
  `%3Cscript%3E${RUN}%3C/script%3E`,
  `+ADw-script+AD4-${RUN}+ADw-/script+AD4-`,
  `<base href="//evil.example/">`,
  `<link rel=stylesheet href="//evil.example/x.css">`,
  `<meta http-equiv=refresh content="0;url=javascript:${RUN}">`,
  `<object data="javascript:${RUN}"></object>`,
  `<embed src="javascript:${RUN}">`,
  `<iframe srcdoc="<script>parent.ran=1</script>"></iframe>`,
  `<form action="javascript:${RUN}"><button>Send</button></form>`,
  `<svg><script>${RUN}</script></svg>`,
  `<svg><animate onbegin=${RUN} attributeName=x dur=1s>`,
  `<svg><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'/>#x"/></svg>`,
  `<math><mtext></mtext><mglyph><style></math><img src onerror=${RUN}>`,
  `<noscript><p title="</noscript><img src=x onerror=${RUN}>">`,
  `<template><img src=x onerror=${RUN}></template>`,
  `<style>@import "//evil.example/x.css";</style>`,
  `<style>*{background:url(javascript:${RUN})}</style>`,
  `<x style="animation-name:x" onanimationstart=${RUN}>`,
  `<a href="javascript:${RUN}" autofocus onfocus=${RUN} tabindex=1>`,
  `\${${RUN}}`,
  `{{constructor.constructor('${RUN}')()}}`,
  `__proto__[ran]=1`,
  `{"__proto__":{"ran":1}}`,
  `{"sender":"jjeong","message":"<img src=x onerror=${RUN}>"}`,
  `\u202e<script>${RUN}</script>\u202c`,
  `\ufeff<script>${RUN}</script>`,
  `http://x/"onmouseover="${RUN}`,
  `https://x/'><img src=x onerror=${RUN}>`,
  `https://x/<script>${RUN}</script>`,
  `http://javascript:${RUN}@x/`,
  `https://[::1]/\`-${RUN}-\``,
  ...ADDRESSES.map((address) => `${address}${RUN}//`),
  ...ADDRESSES.map((address) => `[click](${address}${RUN})`),
  ...ELEMENTS.flatMap((element) => HANDLERS.map((handler) => `<${element} ${handler}=${RUN}>`)),
];

/** What on the page could come from an attack: foreign scripts, event handlers, links that are not http or https. */
async function traces(page: Page): Promise<unknown> {
  return page.evaluate(() => ({
    ran: Reflect.get(globalThis, 'ran') ?? Reflect.get({}, 'ran') ?? null,
    inLog: [...document.querySelectorAll('[role=log] :not(ol, li, p, a, span, time, div, button)')].map(
      (one) => one.outerHTML,
    ),
    handlers: [...document.querySelectorAll('*')]
      .flatMap((one) => one.getAttributeNames())
      .filter((name) => /^on/i.test(name)),
    links: [...document.querySelectorAll('a')].filter((one) => !/^https?:$/.test(one.protocol)).map(({ href }) => href),
    scripts: [...document.scripts]
      .filter(({ src, text }) => text || !src.startsWith(new URL('js/', location.href).href))
      .map((one) => one.outerHTML),
  }));
}

const CLEAN = { ran: null, inLog: [], handlers: [], links: [], scripts: [] };

describe('text that would be a script', () => {
  test('is shown as plain text, whoever wrote it, also in the list of people', async () => {
    expect(ATTACKS.length).toBeGreaterThanOrEqual(100);
    const server = await serveChat();
    const { henry, jjeong } = await twoPeople(server);

    for (const text of ATTACKS) await say(server, 'henry', 'jjeong', text);
    await write(henry, 'marker');
    await Promise.all([henry, jjeong].map((page) => shows(page, 'marker')));

    for (const page of [henry, jjeong]) {
      const shown = await log(page).locator('li p').allTextContents();
      expect(shown).toEqual([...ATTACKS, 'marker']);
    }
    await say(server, 'henry', 'jjeong', ATTACKS[2]!);
    await jjeong.goto(server.url);
    await jjeong.getByRole('combobox', { name: 'You are' }).selectOption('jjeong');
    await jjeong.getByRole('link', { name: /henry/ }).getByText(ATTACKS[2]!).waitFor();
    for (const page of [henry, jjeong]) expect(await traces(page)).toEqual(CLEAN);
  });

  test('is shown as plain text when it comes from a file, and marked as from a file', async () => {
    const server = await serveChat();
    const { henry, jjeong } = await twoPeople(server);
    const texts = ATTACKS.filter((text) => !/[\n\r]/.test(text));
    // A page that is still loading shows only the newest 50.
    await write(jjeong, 'first');
    await shows(henry, 'first');

    appendFileSync(join(server.dir, 'henry.txt'), texts.map((text) => `data:${text}\n\n`).join(''));
    appendFileSync(join(server.dir, 'henry.txt'), 'data: marker\n\n');
    await shows(henry, 'marker');

    const shown = await log(henry).locator('li p').allTextContents();
    expect(shown).toEqual(['first', ...texts, 'marker'].map((text) => text.replace(/^ /, '')));
    await log(henry).getByText('From a file').first().waitFor();
    expect(await traces(henry)).toEqual(CLEAN);
  });

  test('cannot come in through a name in the address', async () => {
    const server = await serveChat();
    const page = await (await newBrowser()).newPage();

    for (const text of ATTACKS.filter((_, i) => i % 4 === 0)) {
      await page.goto(chatOf(server, 'henry', text));
      await page.getByText('Who do you want to talk to?').waitFor(); // no such name: back to the list of people
    }
    await page.goto(new URL(`room.html?room=${encodeURIComponent(ATTACKS[0]!)}`, server.url).href);
    await page.getByText('Who do you want to talk to?').waitFor();

    expect(await traces(page)).toEqual(CLEAN);
  });
});

describe('an address in a message', () => {
  test('is a link if it is http or https, and following it sends no referrer', async () => {
    const server = await serveChat();
    const { henry, jjeong } = await twoPeople(server);
    const text =
      'see https://example.com/a_(b)?c=d&e=<f>, (http://example.org). Not ftp://x or mailto:a@b or example.net';

    await write(henry, text);
    await shows(jjeong, text);
    const links = await log(jjeong)
      .getByRole('link')
      .evaluateAll((all) => all.map((link) => [link.getAttribute('href'), link.getAttribute('rel')]));

    const rel = 'noopener noreferrer nofollow ugc';
    expect(links).toEqual([
      ['https://example.com/a_(b)?c=d&e=', rel],
      ['http://example.org', rel],
    ]);
    expect(await textsOn(jjeong)).toEqual([text]);
  });
});

describe('text that another program writes into a mailbox', () => {
  test('is shown: in several lines, in Korean, as JSON, without a blank line after it', async () => {
    const server = await serveChat();
    const henry = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
    const file = join(server.dir, 'henry.txt');

    appendFileSync(file, 'data: first\ndata: 둘째\n\n');
    await shows(henry, 'first 둘째');
    appendFileSync(file, 'data: {"any":"json"}\n\n');
    await shows(henry, '{"any":"json"}');
    appendFileSync(file, 'data: no blank line\n');
    await shows(henry, 'no blank line');
    await henry.reload();
    await shows(henry, 'no blank line');

    expect(await textsOn(henry)).toEqual(['first\n둘째', '{"any":"json"}', 'no blank line']);
    expect(await log(henry).getByText('From a file').count()).toBeGreaterThan(2);
  });
});
