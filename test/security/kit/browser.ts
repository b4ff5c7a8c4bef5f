import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from '@jest/globals';
import { chromium, type Browser, type BrowserContext } from 'playwright-core';
import { afterThisTest } from '../../support/after-this-test.ts';
import { DEADLINE_MS } from '../../support/until.ts';
import { chromiumPath } from '../../support/machine.ts';

let browser: Browser | undefined;

/** One browser for all tests of a file, in which every name that ends in `.test` means this computer. */
export function openBrowserForAll(): void {
  beforeAll(async () => {
    const executablePath = chromiumPath();
    const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--host-resolver-rules=MAP *.test 127.0.0.1'];
    if (executablePath) browser = await chromium.launch({ executablePath, args });
  });
  afterAll(() => browser?.close());
}

export async function newContext(): Promise<BrowserContext> {
  if (!browser) throw new Error('there is no browser');
  const context = await browser.newContext();
  context.setDefaultTimeout(DEADLINE_MS);
  afterThisTest(() => context.close());
  return context;
}

/** Somebody else's server, on a free port. */
export async function serveSite(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterThisTest(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
