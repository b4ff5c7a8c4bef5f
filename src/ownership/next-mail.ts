import type { Mail } from '../words/follow.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { Ask } from './request-owner.ts';

/** Gives the mail behind an id, or from where `since` says: what is there, or comes first within `waitS` seconds. */
export type NextMail = (since: string, waitS?: number) => Promise<Mail>;

const WAIT_S = 60;

/** Asks the owner for the mail of a mailbox. */
export function nextMailOf(who: MailboxName, ask: Ask, signal?: AbortSignal): NextMail {
  return async (since, waitS = 0) => {
    const query = new URLSearchParams({ receiver: who, since, wait: String(waitS) });
    return (await ask('GET', `/status?${query.toString()}`, undefined, signal)) as Mail;
  };
}

/** Mail as it comes, without an end. Rejects as `next` does. */
export async function* mailSince(since: string, next: NextMail): AsyncGenerator<Mail, void> {
  for (let mail = await next(since); ; mail = await next(mail.cursor, WAIT_S)) yield mail;
}
