import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { keepAddress } from '../access/server-address.ts';
import { isLoopback, urlOf } from '../access/this-computer.ts';
import type { MailboxChatOptions } from '../words/chat-options.ts';
import type { Logger } from '../words/logger.ts';
import { type MailboxChat, mailboxChat } from '../mailbox-chat.ts';
import { loadPromClient } from '../metrics/metrics.ts';
import { metricsServer } from '../metrics/metrics-server.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import { accessSettings, type AccessOptions, type AccessSettings } from './access.ts';
import { announce } from './announce.ts';
import { createLogger, type LoggerOptions } from './create-logger.ts';
import { openIn } from './directory.ts';
import { outliveTerminal, RUNTIME } from './ending.ts';
import { idleConnections, limitConnections } from './limit-connections.ts';
import { listen } from './listen.ts';
import { openCluster, type StoreOptions } from './mail.ts';
import type { MetricsPlace } from './parsers.ts';
import { onStopSignal, stopperOf } from './shutdown.ts';
import { isTerminal } from './terminal.ts';

type ChatOptions = Required<
  Pick<MailboxChatOptions, 'groupWritable' | 'sendRate' | 'keepDays' | 'keepBytes' | 'maxMessage'>
>;

export interface ServeOptions extends AccessOptions, StoreOptions, ChatOptions {
  readonly port: number;
  readonly isPortGiven: boolean;
  readonly people: readonly MailboxName[];
  readonly open: boolean;
  readonly metrics: MetricsPlace;
  readonly logLevel: LoggerOptions['level'];
  readonly logFormat: LoggerOptions['format'];
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Answers slow headers with 408 within 12 s, even when the server is busy. The routes limit how long bodies may take. */
const TIMEOUTS = {
  headersTimeout: 8_000,
  requestTimeout: 30 * 60_000, // for a large file on a slow line
  connectionsCheckingInterval: 1_000,
  // Longer than the 60 s of most proxies: they close first, so no request meets a connection that we are closing.
  keepAliveTimeout: 65_000,
};

/** Serves the chat until a signal stops it. Resolves when it listens. */
export async function serve(options: ServeOptions): Promise<void> {
  const { host, port, dir, metrics: place, logLevel: level, logFormat: format } = options;
  const access = accessSettings(options);
  if (place !== 'off') loadPromClient();
  const logger = await createLogger({ level, format });
  const chat = await openChat(options, access, logger);
  if (place !== 'off') void chat.metrics; // starts counting before the first request
  const server = createServer(TIMEOUTS, (req, res) => chat(req, res));
  const idle = idleConnections(server);
  limitConnections(server, idle);
  onStopSignal(stopperOf(server, idle, chat));
  outliveTerminal();

  const ifTaken = isTerminal(process.stderr) && !options.isPortGiven ? 'next' : 'fail';
  const listening = await listen(server, { host, port, ifTaken, dir, flag: '--port' });
  const metrics = place === 'off' ? undefined : await serveMetrics(chat, place, access, logger);
  keepAddress(dir, urlOf(host, listening), logger);
  await announce(options, access, { port: listening, metrics });
  if (options.open) openBrowser(urlOf(host, listening), logger);
}

/** Opens the chat. Throws an Ending if the directory cannot be used. */
async function openChat(options: ServeOptions, access: AccessSettings, logger: Logger): Promise<MailboxChat> {
  const { dir, people, groupWritable, sendRate, trustProxy, keepDays, keepBytes, maxMessage } = options;
  const asked = { dir, people, groupWritable, sendRate, trustProxy, keepDays, keepBytes, maxMessage, logger };
  const where = options.store;
  const store = where === 'files' ? {} : { store: await openCluster(where, { keepMs: keepDays * DAY_MS, logger }) };
  const onFatal = (error: Error): void => giveUp(error, logger);
  const open = (): MailboxChat => mailboxChat({ ...asked, ...access, ...store, onFatal });
  return openIn(dir, open, (chat) => chat.ready());
}

/** Resolves to the address of the metrics. If other computers can reach them, any host name is allowed. */
async function serveMetrics(
  { metrics }: MailboxChat,
  { host, port }: Exclude<MetricsPlace, 'off'>,
  { allowedHosts }: AccessSettings,
  logger: Logger,
): Promise<string> {
  const server = await metricsServer(metrics, isLoopback(host) ? allowedHosts : ['*'], logger);
  return `${urlOf(host, await listen(server, { host, port, ifTaken: 'fail', flag: '--metrics' }))}metrics`;
}

/** Opens `url` with the program in BROWSER (none: with nothing), else with the system's. A failure is only a warning. */
function openBrowser(url: string, logger: Logger): void {
  const program = process.env['BROWSER'] || (process.platform === 'darwin' ? 'open' : 'xdg-open');
  if (program === 'none') return;
  const browser = spawn(program, [url], { stdio: 'ignore', detached: true });
  browser.on('error', (error) => logger.warn({ err: error }, 'no browser could be opened')).unref();
}

/** Exits: after a failed sync nobody knows what is on the disk, and the next start reads it from there. */
function giveUp(error: Error, logger: Logger): void {
  logger.error({ err: error }, 'the mailboxes can no longer be written safely: the server exits');
  process.exit(RUNTIME);
}
