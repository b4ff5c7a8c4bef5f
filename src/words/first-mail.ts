import { Follow, mailAfter, type Mail } from './follow.ts';
import type { MailboxName } from './mailbox-name.ts';
import type { MailboxStore } from './mailbox-store.ts';

/** The mail after a cursor: what is there, or comes first. Undefined if a signal aborts before. */
export async function firstMail(
  after: string,
  mailbox: MailboxName,
  store: MailboxStore,
  signals: readonly AbortSignal[],
): Promise<Mail | undefined> {
  const found = await mailAfter(after, mailbox, store);
  if (found || signals.some(({ aborted }) => aborted)) return found;
  return new Promise((resolve, reject) => {
    let first: Mail | undefined;
    const follow = new Follow(after, mailbox, store, {
      take(mail) {
        first = mail;
        follow.stop();
      },
      over(error) {
        for (const signal of signals) signal.removeEventListener('abort', stop);
        if (error === undefined) resolve(first);
        else reject(error);
      },
    });
    const stop = (): void => follow.stop();
    for (const signal of signals) signal.addEventListener('abort', stop);
    void follow.begin();
  });
}
