import { once } from 'node:events';
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { mailboxChat, type MailboxChat, type MailboxChatOptions } from '../../src/index.ts';
import { silent } from '../../src/words/logger.ts';
import { afterThisTest } from './after-this-test.ts';
import { temporaryDirectory } from './directory.ts';
import { openMailPlace } from './mail-place.ts';

/** A running chat, and the files behind it. */
export interface ServedChat {
  readonly url: string;
  readonly dir: string;
  readonly chat: MailboxChat;
  readonly server: Server;
  readonly mailboxFile: (name: string) => string;
  readonly mailboxText: (name: string) => string;
  /** Writes to a mailbox as any other program would: `printf … >> henry.txt`. */
  readonly writeForeign: (name: string, text: string | Buffer) => void;
  /** Closes the chat and the server, which writes what is still unwritten. Without this call, it happens after the test. */
  readonly stop: () => Promise<void>;
}

/** Serves a chat on a free port of loopback, by default from a new directory and without a send limit. */
export async function serveChat(options: MailboxChatOptions = {}): Promise<ServedChat> {
  const dir = options.dir ?? temporaryDirectory();
  const chat = mailboxChat({ sendRate: 0, logger: silent, ...(await openMailPlace(dir)), ...options, dir });
  const { server, url } = await serve(chat);
  await chat.ready().catch(() => undefined); // some tests check its answers while it is not ready
  const stop = onlyOnce(async () => {
    await chat.close();
    await stopServer(server);
  });
  afterThisTest(stop);
  const mailboxFile = (name: string): string => join(dir, `${name}.txt`);
  return {
    url,
    dir,
    chat,
    server,
    stop,
    mailboxFile,
    mailboxText: (name) => readFileSync(mailboxFile(name), 'utf8'),
    writeForeign: (name, text) => appendFileSync(mailboxFile(name), text),
  };
}

/** Serves anything on a free port, by default of loopback, until the test is over. */
export async function serve(listener: RequestListener, host = '127.0.0.1'): Promise<{ server: Server; url: string }> {
  const server = createServer(listener).listen(0, host);
  await once(server, 'listening');
  afterThisTest(() => stopServer(server));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function stopServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function onlyOnce(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
