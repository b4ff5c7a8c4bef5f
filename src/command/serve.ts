import { createServer } from 'node:http';
import type { Logger } from '../logger.ts';
import type { MailboxChat } from '../mailbox-chat.ts';
import { accessSettings, type AccessSettings } from './access.ts';
import { announce } from './announce.ts';
import type { Invocation } from './invocation.ts';
import { listen, urlOf } from './listen.ts';
import { loggerFor, openChat } from './open-chat.ts';
import { openBrowser } from './open-browser.ts';
import type { Settings } from './options.ts';
import { processMetrics, type ServedMetrics, serveMetrics } from './serve-metrics.ts';
import { onStopSignal, stopServing } from './shutdown.ts';
import { isTerminal } from './terminal.ts';
import { TIMEOUTS } from './timeouts.ts';

/** Serves the chat until a signal stops it. Resolves when it listens. */
export async function serve({ settings, isGiven }: Invocation): Promise<void> {
  const { host, port, dir } = settings;
  const access = accessSettings(settings);

  const logger = await loggerFor(settings);
  const chat = await openChat(settings, access, logger);
  const server = createServer(TIMEOUTS, (req, res) => chat(req, res));
  onStopSignal(() => stopServing(server, chat));

  const ifTaken = isTerminal(process.stderr) && !isGiven('port') ? 'next' : 'fail';
  const listening = await listen(server, { host, port, ifTaken, dir, flag: '--port' });
  const metrics = await metricsFor(settings, access, chat, logger);
  announce(settings, access, { port: listening, metrics: metrics?.url });
  if (settings.open) openBrowser(urlOf(host, listening), logger);
  await metrics?.load(); // after all else: the chat is up without it
}

async function metricsFor(
  { metrics: place }: Settings,
  { allowedHosts }: AccessSettings,
  chat: MailboxChat,
  logger: Logger,
): Promise<ServedMetrics | undefined> {
  return place === 'off' ? undefined : serveMetrics(processMetrics(chat), { ...place, allowedHosts, logger });
}
