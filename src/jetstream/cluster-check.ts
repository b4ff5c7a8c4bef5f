import type { StreamConfig } from '@nats-io/jetstream';
import { MailboxError } from '../words/mailbox-error.ts';
import type { Allowance } from './address.ts';
import type { Cluster } from './cluster.ts';

/** Older servers can lose what they have acknowledged when they are killed. */
const OLDEST_SERVER = '2.12.3';
const FEWEST_REPLICAS = 3;
const ANSWER_MS = 3000;
const LAST_SERVER_MS = 300;

interface Server {
  readonly id: string;
  readonly name: string;
  readonly ver: string;
}

/** Throws STORE_FAILED, with all reasons, if the cluster cannot give our guarantees. */
export async function checkCluster(cluster: Cluster): Promise<void> {
  const { replicas, monitors, allow } = cluster.options;
  const servers = await serversOf(cluster);
  // Only the monitoring address of a server tells when it writes to the disk.
  const seen = await Promise.all(monitors.map(jetStreamOf));
  const old = servers.flatMap(({ name, ver }) => (isOld(ver) ? [`${name} is ${ver}`] : [])).join(', ');
  const late = seen.flatMap(({ monitor, isSynced }) => (isSynced ? [] : [monitor])).join(', ');
  const unseen = servers.flatMap(({ id, name }) => (seen.some((one) => one.id === id) ? [] : [name])).join(', ');
  refuse(allow, {
    'old-server': old && `Servers before ${OLDEST_SERVER} lose mail when they are killed, and ${old}: upgrade.`,
    'fewer-replicas': fewReplicas(replicas),
    'late-sync':
      late &&
      `The servers at ${late} acknowledge before they write to the disk: put "sync_interval: always" into their jetstream block.`,
    'unchecked-sync':
      monitors.length === 0
        ? 'We cannot check that every server has "sync_interval: always" in its jetstream block. Name their monitoring addresses.'
        : unseen && `There is no monitoring address for ${unseen}. Name it.`,
  });
}

/** The same for streams that exist already. */
export function checkStreams({ options }: Cluster, streams: readonly StreamConfig[]): void {
  refuse(options.allow, { 'fewer-replicas': fewReplicas(Math.min(...streams.map((stream) => stream.num_replicas))) });
}

/** Throws unless every reason is allowed. An empty text is no reason. */
function refuse(allow: readonly string[], reasons: Partial<Record<Allowance, string>>): void {
  const refused = Object.entries(reasons).filter(([allowance, why]) => why !== '' && !allow.includes(allowance));
  if (refused.length === 0) return;
  const what = refused.map(([allowance, why]) => `${why} (To accept that: allow=${allowance}.)`).join(' ');
  throw new MailboxError('STORE_FAILED', `This cluster could lose accepted mail. ${what}`);
}

/** All servers of the cluster; if we may not ask for them, the one that we are connected to. */
async function serversOf({ nc }: Cluster): Promise<Server[]> {
  const servers: Server[] = [];
  const strategy = nc.info?.cluster === undefined ? 'count' : 'stall';
  const options = { strategy, maxMessages: 1, stall: LAST_SERVER_MS, maxWait: ANSWER_MS } as const;
  try {
    for await (const answer of await nc.requestMany('$SYS.REQ.ACCOUNT.PING.CONNZ', '{"limit":1}', options)) {
      servers.push(answer.json<{ server: Server }>().server);
    }
  } catch {
    // Not permitted, or no answer: the server that we are connected to has told its version already.
  }
  const { server_id: id = '', server_name: name = '', version: ver = '0' } = nc.info ?? {};
  return servers.length > 0 ? servers : [{ id, name, ver }];
}

/** Whether a version is too old. A text that is not a version is. */
function isOld(version: string): boolean {
  return !/^\d/.test(version) || version.localeCompare(OLDEST_SERVER, 'en', { numeric: true }) < 0;
}

function fewReplicas(replicas: number): string {
  if (replicas >= FEWEST_REPLICAS) return '';
  return `${replicas === 1 ? 'One copy' : `${replicas} copies`} of each message will not survive the loss of a server: use 3.`;
}

async function jetStreamOf(monitor: string): Promise<{ monitor: string; id: string; isSynced: boolean }> {
  try {
    const response = await fetch(new URL('/jsz?config=true', monitor), { signal: AbortSignal.timeout(ANSWER_MS) });
    const report = (await response.json()) as { server_id: string; config?: { sync_always?: boolean } };
    return { monitor, id: report.server_id, isSynced: report.config?.sync_always === true };
  } catch (error) {
    const what = `The monitoring address ${monitor} does not answer like a NATS server with JetStream ("http: 127.0.0.1:8222" in its configuration).`;
    throw new MailboxError('STORE_FAILED', what, { cause: error });
  }
}
