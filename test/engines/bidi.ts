import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import type { Browser, Tab } from './engine.ts';
import { processTree } from './process-tree.ts';

// No first-run pages, no updates, no telemetry.
const SETTINGS = {
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'app.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'dom.disable_open_during_load': false,
};

/** Firefox, which speaks WebDriver BiDi itself. */
export async function openFirefox(): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'profile-'));
  const settings = Object.entries(SETTINGS).map(([name, value]) => `user_pref("${name}", ${value});\n`);
  writeFileSync(join(profile, 'user.js'), settings.join(''));
  const firefox = spawn(
    'firefox-esr',
    ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, HOME: profile },
    },
  );
  const call = await connection(await listeningAddress(firefox.stderr));
  await call('session.new', { capabilities: {} });
  return {
    processes: () => processTree(firefox.pid ?? 0),
    newTab: () => newTab(call),
    async close() {
      firefox.kill();
      if (firefox.exitCode === null && firefox.signalCode === null) await once(firefox, 'exit');
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

type Call = <T>(method: string, params: object) => Promise<T>;

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: string;
  readonly message?: string;
}

async function newTab(call: Call): Promise<Tab> {
  const { context } = await call<{ context: string }>('browsingContext.create', { type: 'tab' });
  return {
    goto: async (url) => void (await call('browsingContext.navigate', { context, url, wait: 'complete' })),
    back: async () => void (await call('browsingContext.traverseHistory', { context, delta: -1 })),
    close: async () => void (await call('browsingContext.close', { context })),
    async evaluate<T>(expression: string): Promise<T> {
      const { result, exceptionDetails } = await call<{
        result?: { value: string };
        exceptionDetails?: { text: string };
      }>('script.evaluate', {
        expression: `Promise.resolve().then(() => (${expression})).then((value) => JSON.stringify({ value }))`,
        target: { context },
        awaitPromise: true,
      });
      if (!result) throw new Error(exceptionDetails?.text);
      return (JSON.parse(result.value) as { value: T }).value;
    },
    async type(text) {
      const keys = Array.from(text.replaceAll('\n', '\uE007'));
      const actions = keys.flatMap((value) => ['keyDown', 'keyUp'].map((type) => ({ type, value })));
      await call('browsingContext.activate', { context }); // keys go to the tab in front
      await call('input.performActions', { context, actions: [{ type: 'key', id: 'keyboard', actions }] });
    },
  };
}

async function listeningAddress(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface(output)) {
    const [, address] = /WebDriver BiDi listening on (ws:\S+)/.exec(line) ?? [];
    if (!address) continue;
    output.resume(); // otherwise the pipe fills up and Firefox blocks
    return address;
  }
  throw new Error('Firefox ended before it listened');
}

async function connection(address: string): Promise<Call> {
  const socket = new WebSocket(`${address}/session`);
  await once(socket, 'open');
  const waiting = new Map<number, (answer: Answer) => void>();
  socket.on('message', (data: Buffer) => {
    const answer = JSON.parse(data.toString()) as Answer;
    waiting.get(answer.id ?? 0)?.(answer);
    waiting.delete(answer.id ?? 0);
  });
  let last = 0;
  return async (method, params) => {
    const id = ++last;
    socket.send(JSON.stringify({ id, method, params }));
    const { result, error, message } = await new Promise<Answer>((resolve) => waiting.set(id, resolve));
    if (error !== undefined) throw new Error(`${method}: ${error}: ${message}`);
    return result as never;
  };
}
