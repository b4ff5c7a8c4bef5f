import { createServer } from 'node:http';
import { loadPromClient } from '../metrics/metrics.ts';
import { accessSettings } from './access.ts';
import { announce } from './announce.ts';
import type { Invocation } from './invocation.ts';
import { listen, urlOf } from './listen.ts';
import { loggerFor, openChat } from './open-chat.ts';
import { openBrowser } from './open-browser.ts';
import { serveMetrics } from './serve-metrics.ts';
import { onStopSignal, stopServing } from './shutdown.ts';
import { isTerminal } from './terminal.ts';
import { TIMEOUTS } from './timeouts.ts';

/** Serves the chat until a signal stops it. Resolves when it listens. */
export async function serve({ settings, isGiven }: Invocation): Promise<void> {
  const { host, port, dir, metrics: place } = settings;
  const access = accessSettings(settings);
  if (place !== 'off') loadPromClient();

  const logger = await loggerFor(settings);
  const chat = await openChat(settings, access, logger);
  if (place !== 'off') void chat.metrics; // counts from the first request on
  const server = createServer(TIMEOUTS, (req, res) => chat(req, res));
  onStopSignal(() => stopServing(server, chat));

  const ifTaken = isTerminal(process.stderr) && !isGiven('port') ? 'next' : 'fail';
  const listening = await listen(server, { host, port, ifTaken, dir, flag: '--port' });
  const { allowedHosts } = access;
  const metrics = place === 'off' ? undefined : await serveMetrics(chat, { ...place, allowedHosts, logger });
  announce(settings, access, { port: listening, metrics: metrics?.url });
  if (settings.open) openBrowser(urlOf(host, listening), logger);
}
