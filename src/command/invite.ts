import { Invitations } from '../access/invitations.ts';
import { checkLayout } from '../files/layout.ts';
import { personName, type MailboxName } from '../mailbox-name.ts';
import { requireDirectory, unusable } from './directory.ts';
import { Ending, RUNTIME } from './ending.ts';
import type { Invocation } from './invocation.ts';
import type { Settings } from './options.ts';

/** Prints a link that lets one person in; one they had before ends. */
export function invite({ words, settings }: Invocation): Promise<void> {
  const who = personName(words[0]);
  const { url, port } = settings;
  const key = inDirectory(settings, (invitations) => invitations.invite(who));
  console.log(linkFor(url || `http://localhost:${port}/`, key));
  console.error(`Whoever has this link reads and writes as ${who}. End it: mailbox-chat revoke ${who}`);
  return Promise.resolve();
}

/** Ends a person's link; open pages end within seconds. */
export function revoke({ words, settings }: Invocation): Promise<void> {
  const who = personName(words[0]);
  if (!inDirectory(settings, (invitations) => invitations.revoke(who))) {
    throw new Ending(RUNTIME, `${who} has no invitation.`, ['Who has one: mailbox-chat people']);
  }
  console.error(`The link of ${who} has ended.`);
  return Promise.resolve();
}

/** Prints who has an invitation, one name a line. */
export function people({ settings }: Invocation): Promise<void> {
  for (const person of inDirectory(settings, (invitations) => invitations.people())) console.log(person);
  return Promise.resolve();
}

/** Makes a link for everybody who has none yet. */
export function inviteAll(dir: string, who: readonly MailboxName[]): { person: MailboxName; key: string }[] {
  const invitations = new Invitations(dir);
  const invited = new Set(invitations.people());
  return who.filter((person) => !invited.has(person)).map((person) => ({ person, key: invitations.invite(person) }));
}

/** The key stands behind the #: a browser sends it to no server, and in no Referer. */
export function linkFor(url: string, key: string): string {
  return `${url}${url.endsWith('/') ? '' : '/'}chat.html#key=${key}`;
}

function inDirectory<T>({ dir }: Settings, work: (invitations: Invitations) => T): T {
  requireDirectory(dir);
  try {
    checkLayout(dir);
    return work(new Invitations(dir));
  } catch (error) {
    throw unusable(dir, error);
  }
}
