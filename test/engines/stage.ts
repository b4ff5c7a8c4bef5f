import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { Gate } from '../browser/gate.ts';
import { Server } from '../browser/stage.ts';
import { cleanUp } from '../command/running.ts';
import { buildPackage } from '../support/built-package.ts';
import { missingOf } from '../support/machine.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { ChatTab, WATCHING } from './chat-tab.ts';
import type { Browser, Engine } from './engine.ts';

type Served = { readonly url: string };

let browser: Browser | undefined;
const tabs: ChatTab[] = [];

/** One browser for all tests of an engine. Errors on its pages fail the test that opened them. */
export function setTheStage(engine: Engine): void {
  beforeAll(async () => {
    buildPackage();
    if (missingOf(engine.needs).length === 0) browser = await engine.open();
  });
  afterEach(async () => {
    const complaints: string[] = [];
    for (const chat of tabs.splice(0)) {
      complaints.push(...(await chat.takeComplaints().catch(() => [])));
      await chat.tab.close().catch(() => undefined); // a test may have closed it
    }
    await cleanUp();
    expect(complaints).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    browser = undefined;
  });
}

export async function newTab(): Promise<ChatTab> {
  if (!browser) throw new Error('the stage was not set');
  const chat = new ChatTab(await browser.newTab());
  tabs.push(chat);
  return chat;
}

export const browserProcesses = (): number[] => browser?.processes() ?? [];

/** A server behind a gate; its pages are watched for errors. Its address is new, so the browser stores nothing for it yet. */
export async function serveWatched(): Promise<{ server: ServedChat; gate: Gate }> {
  const server = await serveChat();
  return { server, gate: await watchingGate(server) };
}

/** The same with the command, which a test can kill. */
export async function commandWatched(...args: string[]): Promise<{ server: Server; gate: Gate }> {
  const server = await Server.start(...args);
  return { server, gate: await watchingGate(server) };
}

async function watchingGate(server: Served): Promise<Gate> {
  const gate = await Gate.before(server);
  gate.script = WATCHING;
  return gate;
}

/** Sends a message as somebody at another computer. */
export async function send(server: Served, sender: string, receiver: string, message: string): Promise<void> {
  const response = await fetch(new URL('messages', server.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sender, receiver, message }),
  });
  expect(response.status).toBe(201);
}

/** The stored texts, oldest first. */
export async function history(server: Served, receiver: string, sender = ''): Promise<string[]> {
  const query = new URLSearchParams({ receiver, ...(sender && { sender }) });
  const response = await fetch(new URL(`history?${query.toString()}`, server.url));
  const { messages } = (await response.json()) as { messages: { message: string }[] };
  return messages.map(({ message }) => message);
}
