import { Invitations } from '../../../src/access/invitations.ts';
import type { MailboxChatOptions } from '../../../src/index.ts';
import { mailboxName } from '../../../src/words/mailbox-name.ts';
import type { At } from '../../support/requests.ts';
import { serveChat, type ServedChat } from '../../support/serve-chat.ts';

/** A chat with invitation links, and the keys of the invited. */
export interface LinkChat extends ServedChat {
  readonly keys: { readonly henry: string; readonly jjeong: string };
  readonly invite: (who: string) => string;
  readonly revoke: (who: string) => boolean;
}

export async function serveLinks(options: MailboxChatOptions = {}): Promise<LinkChat> {
  const chat = await serveChat({ ...options, access: 'links' });
  const invitations = new Invitations(chat.dir);
  const invite = (who: string): string => invitations.invite(mailboxName(who));
  const revoke = (who: string): boolean => invitations.revoke(mailboxName(who));
  return { ...chat, keys: { henry: invite('henry'), jjeong: invite('jjeong') }, invite, revoke };
}

export function bearer(key: string): { Authorization: string } {
  return { Authorization: `Bearer ${key}` };
}

/** Exchanges a key as the page does. Resolves to the cookie, both as a browser sends it and with all its attributes. */
export async function enter(
  { url }: At,
  key: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ cookie: string; setCookie: string; person: string }> {
  const response = await fetch(`${url}/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ key }),
  });
  if (!response.ok) throw new Error(`not let in: ${response.status} ${await response.text()}`);
  const setCookie = response.headers.get('set-cookie') ?? '';
  const { person } = (await response.json()) as { person: string };
  return { cookie: setCookie.split(';')[0]!, setCookie, person };
}
