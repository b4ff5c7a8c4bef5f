import { afterAll, afterEach, beforeAll, expect, jest } from '@jest/globals';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { Running, cleanUp, serve, temporaryDirectory, type Ready } from '../command/running.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { DEADLINE_MS } from '../support/until.ts';
import { buildPackage } from '../support/built-package.ts';
import { mailPlaceFlags } from '../support/mail-place.ts';
import { chromiumPath } from '../support/machine.ts';

export const QUIETLY = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

// Longer than any wait inside a test; what runs the command sets a shorter time.
jest.setTimeout(6 * DEADLINE_MS);

const UNANSWERED = /^(Failed to load resource|(An unknown error|A bad HTTP response code) .* when fetching the script)/;

/** Errors that pages have reported. A test removes those that it expects; any that are left at its end fail it. */
const complaints: string[] = [];
let browser: Browser | undefined;

/** Opens one browser for the tests of a file, and ends everything that a test has started. */
export function setTheStage(...chromiumArgs: string[]): void {
  beforeAll(async () => {
    buildPackage();
    const executablePath = chromiumPath();
    if (executablePath) browser = await chromium.launch({ executablePath, args: [...QUIETLY, ...chromiumArgs] });
  });
  afterEach(async () => {
    await cleanUp();
    expect(complaints.splice(0)).toEqual([]);
  });
  afterAll(() => browser?.close());
}

/** The command as users start it, for tests about its process. It can be killed and started again, with the same files, at the same address. */
export class Server {
  readonly dir: string;
  #process: Running & Ready;
  readonly #args: readonly string[];

  private constructor(dir: string, args: readonly string[], process: Running & Ready) {
    this.dir = dir;
    this.#args = args;
    this.#process = process;
  }

  static async start(...args: string[]): Promise<Server> {
    return Server.on(temporaryDirectory(), ...args);
  }

  static async on(dir: string, ...args: string[]): Promise<Server> {
    const all = ['--dir', dir, '--send-rate', '0', ...mailPlaceFlags(dir), ...args];
    return new Server(dir, all, await serve(all));
  }

  get url(): string {
    return this.#process.url;
  }

  get port(): number {
    return this.#process.port;
  }

  get pid(): number {
    return this.#process.pid;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#process.child.kill(signal);
    await this.#process.ended;
  }

  async startAgain(): Promise<void> {
    const again = new Running(['--port', String(this.port), ...this.#args]);
    this.#process = Object.assign(again, await again.ready());
  }
}

/** A separate browser: it shares nothing that it stores with another one. */
export async function newBrowser(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  if (!browser) throw new Error('the stage was not set');
  const context = await browser.newContext({ locale: 'en-US', ...options });
  context.setDefaultTimeout(DEADLINE_MS);
  afterThisTest(() => context.close());
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      console.error(`policy: ${violatedDirective} ${blockedURI}`),
    );
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  context.on('dialog', (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  context.on('console', (message) => {
    const text = message.text();
    // The browser reports every answer that is not a success. Some tests are about such answers.
    if (message.type() === 'error' && !UNANSWERED.test(text)) complaints.push(text);
  });
  return context;
}

/** A page with a chat that is ready to use. */
export async function openChat(context: BrowserContext, address: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(address);
  await isReady(page);
  return page;
}

/** Resolves when the history has loaded: only then does a page say how the conversation begins, or that there is none. */
export async function isReady(page: Page): Promise<void> {
  await page.locator('[role=log][aria-live=polite]').waitFor();
}

/** The address of `me`'s conversation with `other`. */
export function chatOf({ url }: { readonly url: string }, me: string, other: string): string {
  return new URL(`chat.html?${new URLSearchParams({ me, with: other }).toString()}`, url).href;
}

/** Henry and jjeong, each at their own computer. */
export async function twoPeople(
  server: { readonly url: string },
  options: BrowserContextOptions = {},
): Promise<{ henry: Page; jjeong: Page }> {
  const [atHenrys, atJjeongs] = [await newBrowser(options), await newBrowser(options)];
  const [henry, jjeong] = await Promise.all([
    openChat(atHenrys, new URL('chat1.html', server.url).href),
    openChat(atJjeongs, new URL('chat2.html', server.url).href),
  ]);
  return { henry, jjeong };
}

export const composer = (page: Page) => page.getByRole('textbox', { name: /^Message to / });
export const log = (page: Page) => page.getByRole('log');
export const message = (page: Page, text: string) => log(page).getByText(text, { exact: true });
export const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });

export async function write(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press('Enter');
}

/** Resolves when the page shows the text as a message. */
export async function shows(page: Page, ...texts: string[]): Promise<void> {
  for (const text of texts) await message(page, text).waitFor();
}

/** Resolves when this text appears somewhere outside the log. */
export async function says(page: Page, text: string | RegExp): Promise<void> {
  await page.locator('main, header, form').getByText(text).locator('visible=true').first().waitFor();
}

/** Presses "Try now" if the connection is lost, as a person would, instead of waiting for the page to do so. */
export async function tryNow(page: Page): Promise<void> {
  const tryAgain = button(page, 'Try now');
  if (await tryAgain.isVisible()) await tryAgain.click({ timeout: 1000 }).catch(() => undefined); // the button is gone: connected
}

/** The texts of all messages that the page shows, from the top. */
export function textsOn(page: Page): Promise<string[]> {
  return log(page).locator('li p').allInnerTexts();
}

/** Makes the page believe that nobody looks at it: it is in another tab, or behind another window. */
export async function look(page: Page, how: 'at it' | 'away'): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event('visibilitychange'));
  }, how === 'away');
}
