import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { cuttingProxy } from '../support/cutting-proxy.ts';
import { Listener, listen, textOf } from '../support/listener.ts';
import { freePort, onPorts, startCaddy, startNginx, type Proxy } from '../support/proxies.ts';
import { history, say } from '../support/requests.ts';
import { requires } from '../support/requires.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';

const BARE = 'server { listen 80; location / { proxy_pass http://127.0.0.1:2012; } }';

function example(path: string): string {
  return readFileSync(join(PACKAGE_DIR, 'examples', path), 'utf8');
}

describe.each([
  ['nginx with nothing but proxy_pass', 'nginx', BARE, startNginx, ''],
  ['nginx, under a path', 'nginx', example('behind-nginx/nginx.conf'), startNginx, '/chat'],
  ['Caddy, under a path', 'caddy', example('behind-caddy/Caddyfile'), startCaddy, '/chat'],
] as const)('behind %s', (_, program, settings, startProxy, path) => {
  async function proxied(): Promise<{ chat: ServedChat; proxy: Proxy; url: string }> {
    const chat = await serveChat();
    const port = await freePort();
    const proxy = await startProxy(port, onPorts(settings, { port, chatPort: Number(new URL(chat.url).port) }));
    return { chat, proxy, url: `${proxy.url}${path}` };
  }

  requires(program)('two people exchange messages as they are said', async () => {
    const { url } = await proxied();
    const henry = await listen(`${url}/status?receiver=henry`);
    const jjeong = await listen(`${url}/status?receiver=jjeong`);

    for (const text of ['hi', '안녕', 'a\nb']) {
      await say({ url }, 'jjeong', 'henry', text);
      expect(await henry.textsUpTo(text)).toEqual([text]);
      await say({ url }, 'henry', 'jjeong', text);
      expect(await jjeong.textsUpTo(text)).toEqual([text]);
    }

    expect((await history({ url }, 'henry', 'jjeong')).messages).toHaveLength(6);
  });

  requires(program)('a connection that is cut again and again loses nothing', async () => {
    const { url } = await proxied();
    const cuts = await cuttingProxy(url, 1000, 10);
    const page = new Listener(`${cuts.url}${path}/status?receiver=henry`);
    await until('the stream', () => page.heard.length > 0);
    const texts = Array.from({ length: 50 }, (_, i) => `number ${i}`);

    for (const text of texts) await say({ url }, 'jjeong', 'henry', text);
    await until('the last', () => page.heard.some((event) => textOf(event) === texts.at(-1)));

    expect(cuts.cutsLeft()).toBe(0);
    expect(page.heard.filter(({ type }) => type === 'message').map(textOf)).toEqual(texts);
  });

  requires(program)('the end of the proxy loses nothing', async () => {
    const { chat, proxy, url } = await proxied();
    const hurried = await cuttingProxy(url, Infinity);
    const page = await listen(`${hurried.url}${path}/status?receiver=henry`);
    await say({ url }, 'jjeong', 'henry', 'before');

    await proxy.kill();
    await say(chat, 'jjeong', 'henry', 'meanwhile');
    await proxy.startAgain();
    await say({ url }, 'jjeong', 'henry', 'after');

    const heard = (await page.textsUpTo('after')).filter((text) => text !== '<ready>');
    expect(heard).toEqual(['before', 'meanwhile', 'after']);
  });

  requires(program)('programs get lines of JSON, and answers to long polling, at once', async () => {
    const { url } = await proxied();
    const status = `${url}/status?receiver=henry`;
    const lines = await fetch(status, { headers: { Accept: 'application/x-ndjson' } });
    const text = lines.body!.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
    const polled = fetch(`${status}&since=all&wait=30`, { headers: { Accept: 'application/json' } });

    await say({ url }, 'jjeong', 'henry', 'for programs');

    expect(await (await polled).text()).toContain('for programs');
    let line = '';
    while (!line.includes('for programs')) line = String((await text.next()).value);
    expect(line).toContain('"type":"message"');
    await text.return?.();
  });

  requires(program)('pages find all their files', async () => {
    const { url } = await proxied();
    const page = await fetch(`${url}/chat1.html`);
    const addresses = [...(await page.text()).matchAll(/(?:href|src)="([^"#]+)"/g)].map(
      ([, it]) => new URL(it!, page.url),
    );

    expect(addresses.length).toBeGreaterThan(2);
    for (const address of addresses) expect(await fetch(address)).toMatchObject({ status: 200, url: address.href });
    expect(await fetch(path === '' ? `${url}/` : url)).toMatchObject({ status: 200, url: `${url}/` });
  });
});
