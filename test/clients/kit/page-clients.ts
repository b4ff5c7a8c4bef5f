import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Route } from 'playwright-core';
import { chromiumPath } from '../../support/machine.ts';
import type { Client, Hear } from './client.ts';
import { MODULES, versionOf } from './node-clients.ts';

/** A page that uses a library: it writes the id and the data of each message to the console. */
interface LibraryPage {
  readonly name: string;
  readonly modules?: string;
  readonly html: (url: string) => string;
}

/** Speeds up the delays of the libraries, some of which wait at least a second. */
const HURRY = 100;

/** One browser for all pages. */
export class Pages {
  #browser: Promise<Browser> | undefined;
  #version = 'unknown';

  client({ name, modules = MODULES, html }: LibraryPage): Client {
    return {
      name,
      hasCursor: true,
      needs: ['chromium'],
      version: () => versionOf(name, modules),
      listen: async (url, hear) => {
        const browser = await this.#launched();
        this.#version = browser.version();
        const context = await browser.newContext();
        await open(context, { url, html: html(url), modules, hear });
        return () => context.close();
      },
    };
  }

  /** The browser's own EventSource, without a library. */
  ownClient(html: LibraryPage['html']): Client {
    const client = this.client({ name: 'EventSource of Chromium', html });
    return { ...client, version: () => this.#version };
  }

  async close(): Promise<void> {
    await (await this.#browser)?.close();
  }

  #launched(): Promise<Browser> {
    const executablePath = chromiumPath();
    this.#browser ??= chromium.launch({ ...(executablePath && { executablePath }), args: ['--no-sandbox'] });
    return this.#browser;
  }
}

interface Opening {
  readonly url: string;
  readonly html: string;
  readonly modules: string;
  readonly hear: Hear;
}

/** The page comes from the server's address, as the server requires. Only its streams reach the server. */
async function open(context: BrowserContext, { url, html, modules, hear }: Opening): Promise<void> {
  const page = await context.newPage();
  page.on('console', (line) => {
    const [, id, data] = line.type() === 'log' ? (/^(\S+) (.*)$/s.exec(line.text()) ?? []) : [];
    if (id !== undefined && data !== undefined) hear(id, data);
  });
  await context.addInitScript(`
    const setRealTimeout = setTimeout;
    window.setTimeout = (work, ms = 0, ...args) => setRealTimeout(work, ms / ${HURRY}, ...args);
  `);
  await context.route(
    (address) => !address.pathname.endsWith('/status'),
    (route) => answer(route, html, modules),
  );
  await page.goto(new URL('/', url).href);
}

function answer(route: Route, html: string, modules: string): Promise<void> {
  const { pathname } = new URL(route.request().url());
  if (pathname === '/') return route.fulfill({ contentType: 'text/html', body: `<!doctype html><body>${html}` });
  const path = join(modules, pathname);
  const file = extname(path) === '' ? `${path}.js` : path;
  return route.fulfill({ contentType: 'text/javascript', body: readFileSync(file) });
}
