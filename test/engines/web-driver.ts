import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { until } from '../support/until.ts';
import type { Browser, Tab } from './engine.ts';
import { processTree } from './process-tree.ts';

/** A browser behind a program that speaks W3C WebDriver. */
export async function openWithDriver(
  program: string,
  capabilities: object,
  env: Readonly<Record<string, string>> = {},
): Promise<Browser> {
  const port = await freePort();
  const driver = spawn(program, [`--port=${port}`], {
    stdio: 'ignore',
    env: { ...process.env, ...env },
  });
  const call = caller(`http://127.0.0.1:${port}`);
  await until(`${program} listening`, () => call('GET', '/status').then(Boolean, () => false));
  const { sessionId } = await call<{ sessionId: string }>('POST', '/session', {
    capabilities: { alwaysMatch: capabilities },
  });
  const session: Call = (method, path, body) => call(method, `/session/${sessionId}${path}`, body);
  await session('POST', '/timeouts', { script: 60_000 });
  const home = await session<string>('GET', '/window');
  const inOrder = oneAfterTheOther();
  return {
    processes: () => processTree(driver.pid ?? 0).slice(1), // without the driver
    newTab: () => inOrder(() => newTab(session, home, inOrder)),
    async close() {
      await session('DELETE', '').catch(() => undefined); // it may have crashed
      await end(driver);
    },
  };
}

type Call = <T>(method: string, path: string, body?: object) => Promise<T>;
type InOrder = ReturnType<typeof oneAfterTheOther>;

async function newTab(session: Call, home: string, inOrder: InOrder): Promise<Tab> {
  await session('POST', '/window', { handle: home }); // the tab that was selected last may be closed
  const { handle } = await session<{ handle: string }>('POST', '/window/new', { type: 'window' });
  const here = <T>(method: string, path: string, body?: object): Promise<T> =>
    inOrder(async () => {
      await session('POST', '/window', { handle });
      return session<T>(method, path, body);
    });
  return {
    goto: (url) => here('POST', '/url', { url }),
    back: () => here('POST', '/back', {}),
    close: () => here('DELETE', '/window'),
    async evaluate<T>(expression: string): Promise<T> {
      const script = `const done = arguments[0];
        Promise.resolve().then(() => (${expression})).then((value) => done({ value }), (error) => done({ error: String(error) }))`;
      const { value, error } = await here<{ value: T; error?: string }>('POST', '/execute/async', { script, args: [] });
      if (error !== undefined) throw new Error(error);
      return value;
    },
    async type(text) {
      const keys = Array.from(text.replaceAll('\n', '\uE007'));
      const actions = keys.flatMap((value) => ['keyDown', 'keyUp'].map((type) => ({ type, value })));
      await here('POST', '/actions', { actions: [{ type: 'key', id: 'keyboard', actions }] });
    },
  };
}

function caller(origin: string): Call {
  return async (method, path, body) => {
    const response = await fetch(origin + path, { method, ...(body && { body: JSON.stringify(body) }) });
    const { value } = (await response.json()) as { value: never };
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(value)}`);
    return value;
  };
}

/** A driver has one current tab, so nothing may run between selecting a tab and using it. */
function oneAfterTheOther(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}

/** Runs a browser on a virtual screen, because it does not start without a screen. */
export async function withScreen(open: (display: string) => Promise<Browser>): Promise<Browser> {
  const screen = await openScreen();
  const browser = await open(screen.name);
  return {
    ...browser,
    async close() {
      await browser.close();
      await end(screen.process);
    },
  };
}

async function openScreen(): Promise<{ name: string; process: ChildProcess }> {
  const process = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1200x900x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const [number] = (await once(process.stdio[3]!, 'data')) as [Buffer];
  return { name: `:${number.toString().trim()}`, process };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function end(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  process.kill();
  await once(process, 'exit');
}
