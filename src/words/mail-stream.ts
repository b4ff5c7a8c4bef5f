import { Readable } from 'node:stream';
import { Follow, type Mail } from './follow.ts';
import type { MailboxName } from './mailbox-name.ts';
import type { MailboxStore } from './mailbox-store.ts';

/** Follows a mailbox for one who asks for the next mail: none is read ahead. Rejects when `signal` aborts. */
export function mailStream(
  after: string,
  mailbox: MailboxName,
  store: MailboxStore,
  signal: AbortSignal,
): AsyncIterable<Mail> {
  let wanted = (): void => {};
  const stream = new Readable({
    objectMode: true,
    highWaterMark: 1,
    signal,
    read: () => wanted(),
    destroy(error, done) {
      follow.stop();
      done(error);
    },
  });
  const follow = new Follow(after, mailbox, store, {
    take: (mail) => (stream.push(mail) ? undefined : new Promise((resolve) => (wanted = resolve))),
    over: (error) => void stream.destroy(error as Error),
  });
  void follow.begin();
  return stream;
}
