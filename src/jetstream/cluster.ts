import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection, NodeConnectionOptions, Status } from '@nats-io/transport-node';
import { readFileSync } from 'node:fs';
import { MailboxError } from '../words/mailbox-error.ts';
import { serverUrl, withoutPassword } from './address.ts';
import type { AllOptions } from './jetstream-options.ts';

/** The client library is an optional peer dependency: it is loaded only when somebody uses this store. */
type Nats = typeof import('@nats-io/transport-node') & typeof import('@nats-io/jetstream');

/** A connection to the servers, JetStream over it, and the options. */
export interface Cluster {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly headers: Nats['headers'];
  readonly options: AllOptions;
}

/** A server that stops without closing its connections is noticed after two pings. */
const PING_MS = 2000;
const PINGS_OUT = 2;
const RECONNECT_MS = 250;
const CONNECT_MS = 5000;
const ANSWER_MS = 5000;

/**
 * Connects to one of the servers, and to another one whenever the connection is lost. `servers`: `nats://host:port` or
 * `tls://…`, with `user:password@` or `token@` before the host; `credentials`: a .creds file instead. Throws STORE_FAILED.
 */
export async function connectTo(options: AllOptions): Promise<Cluster> {
  const { servers, credentials } = options;
  const nats = await loadNats();
  try {
    const nc = await nats.connect({
      ...addresses(servers),
      ...(credentials !== undefined && { authenticator: nats.credsAuthenticator(bytesOf(credentials)) }),
      name: 'mailbox-chat',
      noEcho: true,
      noAsyncTraces: true,
      timeout: CONNECT_MS,
      pingInterval: PING_MS,
      maxPingOut: PINGS_OUT,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
    });
    const jsm = await nats.jetstreamManager(nc, { checkAPI: false, timeout: ANSWER_MS });
    return { nc, jsm, js: nats.jetstream(nc, { timeout: ANSWER_MS }), headers: nats.headers, options };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const what = `No NATS server of ${servers.map(withoutPassword).join(', ')} can be used: ${why}. Is one running there?`;
    throw new MailboxError('STORE_FAILED', what, { cause: error });
  }
}

function bytesOf(credentials: string | Uint8Array): Uint8Array {
  return typeof credentials === 'string' ? readFileSync(credentials) : credentials;
}

async function loadNats(): Promise<Nats> {
  try {
    return { ...(await import('@nats-io/transport-node')), ...(await import('@nats-io/jetstream')) };
  } catch (error) {
    const what =
      'Mailboxes on NATS need two packages that are not installed: npm install @nats-io/transport-node @nats-io/jetstream';
    throw new MailboxError('STORE_FAILED', what, { cause: error });
  }
}

/** Calls `then` whenever the connection has this change of status. Ends with the connection. */
export async function whenever({ nc }: Cluster, what: Status['type'], then: () => void): Promise<void> {
  for await (const { type } of nc.status()) if (type === what) then();
}

function addresses(servers: readonly string[]): NodeConnectionOptions {
  const urls = servers.map(serverUrl);
  const { username, password } = urls.find((url) => url.username !== '') ?? new URL('nats://none');
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  return {
    servers: urls.map((url) => url.host),
    ...(user !== '' && pass !== '' && { user, pass }),
    ...(user !== '' && pass === '' && { token: user }),
    ...(urls.some(({ protocol }) => protocol === 'tls:') && { tls: {} }),
  };
}
