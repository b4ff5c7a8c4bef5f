import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Client } from './client.ts';
import type { Pages } from './page-clients.ts';

const DOCUMENT = resolve(import.meta.dirname, '../../..', 'docs/transports.md');

/** Libraries for browsers that come with this package. */
export function libraryPages(pages: Pages): Client[] {
  return [
    pages.ownClient((url) => `<script>${documented('function listen', url)}</script>`),
    pages.client({
      name: 'event-source-polyfill',
      html: (url) => `
        <script src="/event-source-polyfill/src/eventsource.min.js"></script>
        <script>${documented('function listen', url).replace('new EventSource(', 'new EventSourcePolyfill(')}</script>`,
    }),
    pages.client({
      name: 'reconnecting-eventsource',
      html: (url) => `
        <script type="module">
          import ReconnectingEventSource from '/reconnecting-eventsource/build/esm/reconnecting-eventsource.js';
          const source = new ReconnectingEventSource('${url}');
          source.addEventListener('message', ({ lastEventId, data }) => console.log(lastEventId, data));
        </script>`,
    }),
    pages.client({
      name: 'sse.js',
      html: (url) => `
        <script type="module">
          import { SSE } from '/sse.js/lib/sse.js';
          const source = new SSE('${url}', { autoReconnect: true });
          source.onmessage = ({ lastEventId, data }) => console.log(lastEventId, data);
        </script>`,
    }),
    pages.client({
      name: '@microsoft/fetch-event-source',
      html: (url) => `
        <script type="importmap">
          { "imports": { "@microsoft/fetch-event-source": "/@microsoft/fetch-event-source/lib/esm/index.js" } }
        </script>
        <script type="module">${documented('import { fetchEventSource }', url)}</script>`,
    }),
  ];
}

/** htmx is too large to come with this package. */
export function htmxPages(pages: Pages, modules: string): Client[] {
  const htmx = `
    <script src="/htmx.org/dist/htmx.min.js"></script>
    <script src="/htmx-ext-sse/sse.js"></script>
    <script>
      addEventListener('htmx:sseMessage', ({ detail }) => console.log(detail.lastEventId, detail.data));
    </script>`;
  const div = (url: string): string => `<div hx-ext="sse" sse-connect="${url}" sse-swap="message"></div>`;
  return [
    pages.client({ name: 'htmx-ext-sse', modules, html: (url) => htmx + documented('<script>', url) }),
    {
      ...pages.client({ name: 'htmx-ext-sse', modules, html: (url) => htmx + div(url) }),
      name: 'htmx-ext-sse without a cursor',
      hasCursor: false,
    },
  ];
}

/** The document's code that begins with this line, changed to another address. */
function documented(beginning: string, url: string): string {
  const block = readFileSync(DOCUMENT, 'utf8')
    .split(/^```.*\n/m)
    .find((part) => part.startsWith(beginning));
  if (!block?.includes('/status?')) throw new Error(`docs/transports.md has no block that begins with ${beginning}`);
  return block.replaceAll(/\/status\?[^'"`$]*/g, url);
}
