import { MailboxError } from '../mailbox-error.ts';
import type { Allowance } from './address.ts';
import type { Cluster } from './cluster.ts';

export interface CheckOptions {
  readonly replicas: number;
  /** Monitoring addresses of every server, `http://host:8222`: there it can be seen when they write to the disk. */
  readonly monitors: readonly string[];
  readonly allow: ReadonlySet<Allowance>;
}

/** Before, a server that was killed could lose what it had acknowledged. */
const OLDEST_SERVER = [2, 12, 3] as const;
const FEWEST_REPLICAS = 3;
const ANSWER_MS = 3000;
const LAST_SERVER_MS = 300;

interface Server {
  readonly id: string;
  readonly name: string;
  readonly ver: string;
}

/** Throws STORE_FAILED, with all reasons, when the cluster cannot keep what we promise. */
export async function checkCluster(cluster: Cluster, options: CheckOptions): Promise<void> {
  const servers = await serversOf(cluster);
  refuse([...oldServers(servers), ...fewReplicas(options.replicas), ...(await lateSync(servers, options))], options);
}

/** The same of streams that are there already. */
export function checkReplicas(replicas: number, options: CheckOptions): void {
  refuse(fewReplicas(replicas), options);
}

interface Reason {
  readonly why: string;
  readonly allowance: Allowance;
}

function refuse(reasons: readonly Reason[], { allow }: CheckOptions): void {
  const refused = reasons.filter(({ allowance }) => !allow.has(allowance));
  if (refused.length === 0) return;
  const what = refused.map(({ why, allowance }) => `${why} (To accept that: allow ${allowance}.)`).join(' ');
  throw new MailboxError('STORE_FAILED', `This cluster could lose accepted mail. ${what}`);
}

/** Every server of the cluster answers, in an account's own words; where that is not permitted, the one we are connected to. */
async function serversOf({ nc }: Cluster): Promise<Server[]> {
  const servers: Server[] = [];
  try {
    const options = {
      ...(nc.info?.cluster === undefined
        ? { strategy: 'count' as const, maxMessages: 1 }
        : { strategy: 'stall' as const, stall: LAST_SERVER_MS }),
      maxWait: ANSWER_MS,
    };
    for await (const answer of await nc.requestMany('$SYS.REQ.ACCOUNT.PING.CONNZ', '{"limit":1}', options)) {
      servers.push(answer.json<{ server: Server }>().server);
    }
  } catch {
    // Not permitted, or not answered: what we are connected to tells its version by itself.
  }
  const { server_id: id = '', server_name: name = '', version: ver = '0' } = nc.info ?? {};
  return servers.length > 0 ? servers : [{ id, name, ver }];
}

function oldServers(servers: readonly Server[]): Reason[] {
  const old = servers.filter(({ ver }) => isOlder(ver));
  if (old.length === 0) return [];
  const which = old.map(({ name, ver }) => `${name} is ${ver}`).join(', ');
  const why = `Servers before ${OLDEST_SERVER.join('.')} lose mail when they are killed, and ${which}: upgrade.`;
  return [{ why, allowance: 'old-server' }];
}

function isOlder(version: string): boolean {
  const parts = version.split(/[.-]/).map(Number);
  for (const [at, least] of OLDEST_SERVER.entries()) {
    const part = parts[at] ?? 0;
    if (part !== least) return !(part > least);
  }
  return false;
}

function fewReplicas(replicas: number): Reason[] {
  if (replicas >= FEWEST_REPLICAS) return [];
  const why = `${replicas === 1 ? 'One copy' : `${replicas} copies`} of each message will not outlive a lost server: use 3.`;
  return [{ why, allowance: 'fewer-replicas' }];
}

/** A client cannot see when servers write to the disk; their monitoring addresses can. */
async function lateSync(servers: readonly Server[], { monitors }: CheckOptions): Promise<Reason[]> {
  if (monitors.length === 0) {
    const why =
      'It cannot be seen whether every server has "sync_interval: always" in its jetstream block. Name their monitoring addresses.';
    return [{ why, allowance: 'unchecked-sync' }];
  }
  const seen = await Promise.all(monitors.map(jetStreamOf));
  const late = seen.filter(({ isSynced }) => !isSynced);
  const unseen = servers.filter(({ id }) => !seen.some((one) => one.id === id));
  return [
    ...(late.length > 0
      ? [
          {
            why: `The servers at ${late.map(({ monitor }) => monitor).join(', ')} acknowledge before they write to the disk: put "sync_interval: always" into their jetstream block.`,
            allowance: 'late-sync' as const,
          },
        ]
      : []),
    ...(unseen.length > 0
      ? [
          {
            why: `No monitoring address was named for ${unseen.map(({ name }) => name).join(', ')}.`,
            allowance: 'unchecked-sync' as const,
          },
        ]
      : []),
  ];
}

async function jetStreamOf(monitor: string): Promise<{ monitor: string; id: string; isSynced: boolean }> {
  try {
    const response = await fetch(new URL('/jsz?config=true', monitor), { signal: AbortSignal.timeout(ANSWER_MS) });
    const { server_id: id, config } = (await response.json()) as {
      server_id: string;
      config?: { sync_always?: boolean };
    };
    return { monitor, id, isSynced: config?.sync_always === true };
  } catch (error) {
    const what = `The monitoring address ${monitor} does not answer as a NATS server with JetStream does ("http: 127.0.0.1:8222" in its configuration).`;
    throw new MailboxError('STORE_FAILED', what, { cause: error });
  }
}
