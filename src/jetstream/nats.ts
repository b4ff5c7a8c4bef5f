import type { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { connect, credsAuthenticator, headers } from '@nats-io/transport-node';
import { MailboxError } from '../mailbox-error.ts';

/** What we use of the client library: a peer of this package, loaded when somebody asks for this store. */
export interface Nats {
  readonly connect: typeof connect;
  readonly credsAuthenticator: typeof credsAuthenticator;
  readonly headers: typeof headers;
  readonly jetstream: typeof jetstream;
  readonly jetstreamManager: typeof jetstreamManager;
}

/** Throws STORE_FAILED when it is not installed. */
export async function loadNats(): Promise<Nats> {
  try {
    const [transport, jetstream] = await Promise.all([import('@nats-io/transport-node'), import('@nats-io/jetstream')]);
    return {
      connect: transport.connect,
      credsAuthenticator: transport.credsAuthenticator,
      headers: transport.headers,
      jetstream: jetstream.jetstream,
      jetstreamManager: jetstream.jetstreamManager,
    };
  } catch (error) {
    throw new MailboxError(
      'STORE_FAILED',
      'Mailboxes on NATS need two packages that are not installed: npm install @nats-io/transport-node @nats-io/jetstream',
      { cause: error },
    );
  }
}
