/** The program of one worker: the primary tells it what to serve, and when to stop. */
import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { accessSettings } from './access.ts';
import { listen } from './listen.ts';
import { loggerFor, openChat } from './open-chat.ts';
import { endOnErrors, showStacks } from './process-end.ts';
import { processMetrics } from './serve-metrics.ts';
import { onStopSignal, stopServing } from './shutdown.ts';
import { TIMEOUTS } from './timeouts.ts';
import type { FromWorker, Order, ToWorker } from './worker-messages.ts';

endOnErrors();

let stop = (): void => process.exit();
let report = (): void => {};

process.on('message', (message: ToWorker) => {
  if ('serve' in message) void serve(message.serve);
  else if (message.ask === 'stop') stop();
  else report();
});
tell({ hears: true });

async function serve({ settings, ifTaken }: Order): Promise<void> {
  if (settings['log-level'] === 'debug') showStacks();
  const { host, port, dir } = settings;

  const chat = await openChat(settings, accessSettings(settings), await loggerFor(settings));
  const server = createServer(TIMEOUTS, (req, res) => chat(req, res));
  stop = onStopSignal(() => stopServing(server, chat));
  cluster.worker!.once('disconnect', stopAlone);

  const listening = await listen(server, { host, port, ifTaken, dir, flag: '--port' });
  const metrics = processMetrics(chat);
  report = () => void chat.metrics.registry().then(async (all) => tell({ report: await all.getMetricsAsJSON() }));
  tell({ listening });
  if (settings.metrics !== 'off') await metrics.load();
}

/** The primary was killed: without this, node would end us on the spot, and nobody would hear `bye`. */
function stopAlone(): void {
  cluster.worker!.exitedAfterDisconnect = true;
  stop();
}

function tell(message: FromWorker): void {
  if (process.connected) process.send!(message, undefined, {}, () => {}); // who has gone need not know
}
