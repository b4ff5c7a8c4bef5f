import { createServer } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Logger } from '../logger.ts';
import { type MailboxChat, mailboxChat } from '../mailbox-chat.ts';
import { VERSION } from '../version.ts';
import { accessSettings, networkAddresses, networkNote, type AccessSettings } from './access.ts';
import { banner, type Link, type Start } from './banner.ts';
import { createLogger } from './create-logger.ts';
import { opened, shown, unusable } from './directory.ts';
import { RUNTIME } from './ending.ts';
import { inviteAll, linkFor } from './invite.ts';
import type { Invocation } from './invocation.ts';
import { listen, urlOf } from './listen.ts';
import { openBrowser } from './open-browser.ts';
import { openCluster, shownServers } from './open-store.ts';
import type { Settings } from './options.ts';
import { type ServedMetrics, serveMetrics } from './serve-metrics.ts';
import { onStopSignal, stopServing } from './shutdown.ts';
import { isTerminal, paintFor } from './terminal.ts';

/** Slow headers and slow bodies are answered 408 within 15 s: the limit and the time until somebody looks. */
export const TIMEOUTS = {
  headersTimeout: 10_000,
  requestTimeout: 13_000,
  connectionsCheckingInterval: 1_000,
  // Longer than the 60 s of the usual proxies: they close first, and no request meets a connection that is going away.
  keepAliveTimeout: 65_000,
};

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
  return place === 'off' ? undefined : serveMetrics(chat, { ...place, allowedHosts, logger });
}

function loggerFor({ 'log-level': level, 'log-format': format }: Settings): Promise<Logger> {
  const fitting = isTerminal(process.stderr) ? 'pretty' : 'json';
  return createLogger({ level, format: format === 'auto' ? fitting : format });
}

async function openChat(settings: Settings, access: AccessSettings, logger: Logger): Promise<MailboxChat> {
  const { dir, people, 'max-message': maxMessage, 'send-rate': sendRate, 'trust-proxy': trustProxy } = settings;
  const groupWritable = settings['group-writable'];
  const { 'keep-days': keepDays, 'keep-bytes': keepBytes } = settings;
  const store = await openCluster(settings, logger);
  try {
    const onFatal = (error: Error) => giveUp(error, logger);
    const chat = mailboxChat({
      ...access,
      dir,
      people,
      maxMessage,
      sendRate,
      trustProxy,
      groupWritable,
      keepDays,
      keepBytes,
      logger,
      onFatal,
      ...(store && { store }),
    });
    await opened(chat);
    return chat;
  } catch (error) {
    throw unusable(dir, error);
  }
}

/** After a failed sync nobody knows what is on the disk: the next start reads it from there. */
function giveUp(error: Error, logger: Logger): void {
  logger.error({ err: error }, 'The mailboxes can no longer be written safely: giving up');
  process.exit(RUNTIME);
}

/** With links and a terminal, those who have none get theirs now; later ones come from `mailbox-chat invite`. */
function firstLinks({ dir, people, host }: Settings, { access }: AccessSettings, port: number): Link[] {
  if (access !== 'links') return [];
  const base = networkAddresses(host)[0] ?? 'localhost';
  return inviteAll(dir, people).map(({ person, key }) => ({ person, link: linkFor(`http://${base}:${port}/`, key) }));
}

interface Listening {
  readonly port: number;
  /** Where the metrics are, if anywhere. */
  readonly metrics: string | undefined;
}

function announce(settings: Settings, access: AccessSettings, { port, metrics }: Listening): void {
  const { host, port: asked, dir, people } = settings;
  const readyMs = Math.round(performance.now());
  const network = networkNote(access, host);
  const store = settings.store === 'files' ? {} : { store: shownServers(settings.store) };
  const always = { version: VERSION, readyMs, url: urlOf(host, port), dir, people };
  const start = { ...always, ...store, ...(metrics && { metrics }) };
  if (!isTerminal(process.stderr)) {
    console.log(JSON.stringify({ name: 'mailbox-chat', ...start, host, port, dir: shown(dir), pid: process.pid }));
    return;
  }
  const moved = asked !== 0 && asked !== port ? `\n  Port ${asked} is in use by another program: using ${port}.\n` : '';
  const links = firstLinks(settings, access, port);
  const shownStart: Start = { ...start, network, links, isOpen: access.access === 'open' };
  process.stderr.write(moved + banner(shownStart, paintFor(process.stderr)));
}
