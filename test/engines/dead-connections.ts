import { setTimeout as elapse } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { Gate } from '../browser/gate.ts';
import { chatOf } from '../browser/stage.ts';
import type { requires } from '../support/requires.ts';
import type { ServedChat } from '../support/serve-chat.ts';
import type { ChatTab } from './chat-tab.ts';
import { browserProcesses, newTab, send, serveWatched } from './stage.ts';

// The figures in docs/performance.md were measured with ASLEEP_S=60.
const ASLEEP_MS = Number(process.env['ASLEEP_S'] ?? 6) * 1000;
// A busy machine is slower than the quiet one whose figures are in docs/performance.md.
const BOUND_MS = 20_000;

const MANY = 6;

/** Suspends the browser, as a phone does with an app in the background. Meanwhile, the network drops its connections. */
async function sleep(gate: Gate): Promise<void> {
  const pids = browserProcesses();
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  gate.swallow();
  await elapse(ASLEEP_MS);
  for (const pid of pids.toReversed()) process.kill(pid, 'SIGCONT');
}

/** A page with as many idle connections as a browser may keep. */
async function chatWithConnections(): Promise<{ server: ServedChat; gate: Gate; henry: ChatTab }> {
  const { server, gate } = await serveWatched();
  const henry = await (await newTab()).open(chatOf(gate, 'henry', 'jjeong'));
  await send(server, 'jjeong', 'henry', 'before');
  await henry.shows('before');
  const asked = `Promise.all(Array.from({ length: ${MANY} }, () => fetch('healthz', { cache: 'no-store' }).then((r) => r.text()))).then(() => true)`;
  await henry.tab.evaluate(asked);
  return { server, gate, henry };
}

async function timed(engine: string, what: string, work: Promise<unknown>): Promise<void> {
  const begunMs = performance.now();
  await work;
  const tookMs = performance.now() - begunMs;
  console.info(`${engine}: ${what} after ${(tookMs / 1000).toFixed(1)} s`);
  expect(tookMs).toBeLessThan(BOUND_MS);
}

export function testDeadConnections(test: ReturnType<typeof requires>, engine: string): void {
  test('shows what it has missed soon after it becomes visible again, and never blames a proxy', async () => {
    const { server, gate, henry } = await chatWithConnections();
    await henry.look('away');

    const asleep = sleep(gate);
    await send(server, 'jjeong', 'henry', 'missed');
    await asleep;
    const lookedAt = henry.look('at it');
    await timed(
      engine,
      'missed message shown',
      lookedAt.then(() => henry.shows('missed')),
    );

    expect(await henry.banner()).not.toMatch(/blocked/);
  });

  test('sends from a page that was visible all the time, and gets the answer', async () => {
    const { server, gate, henry } = await chatWithConnections();
    gate.swallow();
    await send(server, 'jjeong', 'henry', 'missed');

    const written = henry.write('anybody there?');
    await timed(
      engine,
      'own message sent',
      written.then(() => henry.says('Sent')),
    );
    await timed(engine, 'and the missed one shown', henry.shows('missed'));

    expect(await henry.texts()).toEqual(['before', 'missed', 'anybody there?']);
    expect(await henry.banner()).not.toMatch(/blocked/);
  });
}
