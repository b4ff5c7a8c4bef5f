import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Client, Close, Hear } from './client.ts';

/** The parts of an EventSource that are used here, whoever made it. */
interface Source {
  addEventListener: (type: string, listener: (event: { lastEventId: string; data: string }) => void) => void;
  close: () => void;
}

type SourceClass = new (url: string) => Source;

export const MODULES = resolve(import.meta.dirname, '../../../node_modules');

/** Clients that run in Node and come with this package. */
export const NODE_CLIENTS: readonly Client[] = [
  nodeClient('eventsource', MODULES, async (load, url, hear) => {
    const { EventSource } = await load<{ EventSource: SourceClass }>('dist/index.js');
    return hearSource(new EventSource(url), hear);
  }),
  nodeClient('launchdarkly-eventsource', MODULES, async (load, url, hear) => {
    const { default: package_ } = await load<{ default: { EventSource: SourceClass } }>('lib/eventsource.js');
    const source = new package_.EventSource(url);
    source.addEventListener('error', () => undefined); // an error without a listener would end the process
    return hearSource(source, hear);
  }),
  nodeClient('eventsource-client', MODULES, async (load, url, hear) => {
    const { createEventSource } = await load<EventSourceClient>('dist/node.cjs.mjs');
    const source = createEventSource({ url, onMessage: hearMessage(hear) });
    return () => source.close();
  }),
];

/** Clients that are too large to come with this package, or need a newer Node: loaded from another directory. */
export function otherNodeClients(modules: string): Client[] {
  return [
    nodeClient('eventsource5', modules, async (load, url, hear) => {
      const { EventSource } = await load<{ EventSource: SourceClass }>('dist/index.js');
      return hearSource(new EventSource(url), hear);
    }),
    nodeClient('event-source-plus', modules, async (load, url, hear) => {
      const { EventSourcePlus } = await load<EventSourcePlus>('dist/index.mjs');
      const controller = new EventSourcePlus(url).listen({ onMessage: hearMessage(hear) });
      return () => controller.abort();
    }),
  ];
}

interface EventSourceClient {
  createEventSource: (options: { url: string; onMessage: (message: ParsedMessage) => void }) => { close: () => void };
}

interface EventSourcePlus {
  EventSourcePlus: new (url: string) => {
    listen: (hooks: { onMessage: (message: ParsedMessage) => void }) => { abort: () => void };
  };
}

interface ParsedMessage {
  readonly id?: string;
  readonly event?: string;
  readonly data: string;
}

type Load = <T>(file: string) => Promise<T>;

function nodeClient(
  name: string,
  modules: string,
  listen: (load: Load, url: string, hear: Hear) => Promise<Close>,
): Client {
  const load: Load = (file) => import(pathToFileURL(join(modules, name, file)).href);
  return {
    name,
    hasCursor: true,
    needs: [],
    version: () => versionOf(name, modules),
    listen: (url, hear) => listen(load, url, hear),
  };
}

function hearSource(source: Source, hear: Hear): Close {
  source.addEventListener('message', ({ lastEventId, data }) => hear(lastEventId, data));
  return () => source.close();
}

function hearMessage(hear: Hear): (message: ParsedMessage) => void {
  return ({ id, event = 'message', data }) => {
    if (event === 'message' && id !== undefined) hear(id, data);
  };
}

export function versionOf(name: string, modules: string): string {
  return (JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')) as { version: string }).version;
}
