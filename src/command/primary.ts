import { createServer } from 'node:http';
import type { Logger } from '../logger.ts';
import { scrapesOf } from '../metrics/metrics.ts';
import { accessSettings, type AccessSettings } from './access.ts';
import { announce } from './announce.ts';
import { RUNTIME } from './ending.ts';
import type { Invocation } from './invocation.ts';
import { listen, urlOf } from './listen.ts';
import { loggerFor } from './open-chat.ts';
import { openBrowser } from './open-browser.ts';
import { end } from './process-end.ts';
import { type MetricsSource, type ServedMetrics, serveMetrics } from './serve-metrics.ts';
import { onStopSignal } from './shutdown.ts';
import { isTerminal } from './terminal.ts';
import { Workers } from './workers.ts';

/** Serves the chat with several processes until a signal stops them. Resolves when all of them listen. */
export async function serveWithWorkers({ settings, isGiven }: Invocation): Promise<void> {
  const access = accessSettings(settings);
  const logger = await loggerFor(settings);
  const workers: Workers = new Workers({
    count: settings.workers,
    logger,
    onHopeless: (ending) => void workers.stop().finally(() => end(ending)),
  });
  onStopSignal(() => workers.stop());

  const ifTaken = isTerminal(process.stderr) && !isGiven('port') ? 'next' : 'fail';
  const port = settings.port || (await anyPort(settings.host));
  const started = await workers.start({ settings: { ...settings, port }, ifTaken });
  if (typeof started !== 'number') process.exit(started.code ?? RUNTIME); // it has said why

  const metrics = await metricsFor(settings, access, workers, logger);
  announce(settings, access, { port: started, metrics: metrics?.url });
  if (settings.open) openBrowser(urlOf(settings.host, started), logger);
  await metrics?.load(); // after all else: the chat is up without it
}

/** Found before the workers start: they listen together by all asking for the same port, and so do those that come later. */
async function anyPort(host: string): Promise<number> {
  const server = createServer();
  const port = await listen(server, { host, port: 0, ifTaken: 'fail', flag: '--port' });
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function metricsFor(
  { metrics: place }: Invocation['settings'],
  { allowedHosts }: AccessSettings,
  workers: Workers,
  logger: Logger,
): Promise<ServedMetrics | undefined> {
  if (place === 'off') return undefined;
  try {
    return await serveMetrics(totalMetrics(workers, logger), { ...place, allowedHosts, logger });
  } catch (error) {
    await workers.stop();
    throw error;
  }
}

/** One answer for all: what each process counted, added up. */
function totalMetrics(workers: Workers, logger: Logger): MetricsSource {
  return {
    answer: scrapesOf(() => workers.total(), logger),
    load: async () => void (await workers.total()),
  };
}
