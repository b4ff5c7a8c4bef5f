import { Invitations, type Invitees } from '../access/invitations.ts';
import { checkLayout } from '../files/layout.ts';
import { personName, type MailboxName } from '../mailbox-name.ts';
import { requireDirectory, unusable } from './directory.ts';
import { Ending, RUNTIME } from './ending.ts';
import type { Invocation } from './invocation.ts';
import type { Settings } from './options.ts';

/** Prints a link that lets one person in, or with --admin look at every mailbox; one they had before ends. */
export function invite({ words, settings }: Invocation): Promise<void> {
  const who = personName(words[0]);
  const { admin, url, port } = settings;
  const key = inDirectory(settings, admin ? 'administrators' : 'people', (invitations) => invitations.invite(who));
  console.log(linkFor(url || `http://localhost:${port}/`, key, admin ? 'inspect.html' : 'chat.html'));
  console.error(
    admin
      ? `Whoever has this link sees everybody's mail, and sends none. End it: mailbox-chat revoke ${who} --admin`
      : `Whoever has this link reads and writes as ${who}. End it: mailbox-chat revoke ${who}`,
  );
  return Promise.resolve();
}

/** Ends a person's links, or with --admin only the administrator's; open pages end within seconds. */
export function revoke({ words, settings }: Invocation): Promise<void> {
  const who = personName(words[0]);
  const lists: readonly Invitees[] = settings.admin ? ['administrators'] : ['people', 'administrators'];
  const ended = lists.filter((list) => inDirectory(settings, list, (invitations) => invitations.revoke(who)));
  if (ended.length === 0) {
    throw new Ending(RUNTIME, `${who} has no ${settings.admin ? "administrator's link" : 'invitation'}.`, [
      `Who has one: mailbox-chat people${settings.admin ? ' --admin' : ''}`,
    ]);
  }
  for (const list of ended) {
    console.error(
      list === 'people' ? `The link of ${who} has ended.` : `The administrator's link of ${who} has ended.`,
    );
  }
  return Promise.resolve();
}

/** Prints who has an invitation, or with --admin an administrator's link, one name a line. */
export function people({ settings }: Invocation): Promise<void> {
  const list = settings.admin ? 'administrators' : 'people';
  for (const person of inDirectory(settings, list, (invitations) => invitations.people())) console.log(person);
  return Promise.resolve();
}

/** Makes a link for everybody who has none yet. */
export function inviteAll(dir: string, who: readonly MailboxName[]): { person: MailboxName; key: string }[] {
  const invitations = new Invitations(dir);
  const invited = new Set(invitations.people());
  return who.filter((person) => !invited.has(person)).map((person) => ({ person, key: invitations.invite(person) }));
}

/** The key stands behind the #: a browser sends it to no server, and in no Referer. */
export function linkFor(url: string, key: string, page = 'chat.html'): string {
  return `${url}${url.endsWith('/') ? '' : '/'}${page}#key=${key}`;
}

function inDirectory<T>({ dir }: Settings, invitees: Invitees, work: (invitations: Invitations) => T): T {
  requireDirectory(dir);
  try {
    checkLayout(dir);
    return work(new Invitations(dir, invitees));
  } catch (error) {
    throw unusable(dir, error);
  }
}
