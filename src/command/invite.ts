import { basename, resolve } from 'node:path';
import { Invitations } from '../access/invitations.ts';
import { serverAddress } from '../access/server-address.ts';
import { urlOf } from '../access/this-computer.ts';
import { checkLayout } from '../files/layout.ts';
import { type MailboxName, personName } from '../words/mailbox-name.ts';
import { inShell, requireDirectory, shown, unusable } from './directory.ts';
import { Ending, RUNTIME } from './ending.ts';

type Directory = { readonly dir: string };
type InviteOptions = Directory & { readonly port: number; readonly url?: string };

/** Prints a link that lets one person in. Their earlier link ends. */
export async function invite(name: string, { dir, port, url }: InviteOptions): Promise<void> {
  const who = personName(name);
  const known = url ?? (await serverAddress(dir));
  const [hadOne, key] = inDirectory(dir, (all) => [all.people().includes(who), all.invite(who)] as const);
  console.log(linkFor(known ?? urlOf('localhost', port), key));
  if (known === undefined)
    console.error(`No server answers for ${shown(dir)}. If people reach it at another address, add --url <url>.`);
  if (hadOne) console.error(`The earlier link of ${who} has ended.`);
  console.error(`Whoever has this link reads and writes as ${who}. End it: ${commandLine(dir, 'revoke', who)}`);
}

/** Ends a person's link. Their open pages lose access within seconds. */
export function revoke(name: string, { dir }: Directory): void {
  const who = personName(name);
  if (!inDirectory(dir, (invitations) => invitations.revoke(who))) {
    throw new Ending(RUNTIME, `${who} has no invitation.`, [`To see who has one: ${commandLine(dir, 'people')}`]);
  }
  console.error(`The link of ${who} has ended.`);
}

/** Prints who has an invitation, one name a line. */
export function people({ dir }: Directory): void {
  const invited = inDirectory(dir, (invitations) => invitations.people());
  for (const person of invited) console.log(person);
  if (invited.length === 0) console.error('Nobody has an invitation.');
}

/** Makes links for those who have none yet. */
export function firstLinks(dir: string, people: readonly MailboxName[], url: string) {
  const invitations = new Invitations(dir);
  const invited = invitations.people();
  const others = people.filter((person) => !invited.includes(person));
  return others.map((person) => ({ person, link: linkFor(url, invitations.invite(person)) }));
}

/**
 * A command line for the mailboxes in `dir`, as it works here: `mailbox-chat` if it is installed, its file in a clone.
 */
export function commandLine(dir: string, ...words: readonly string[]): string {
  const script = process.argv[1] ?? '';
  const npx = script.includes('/node_modules/.bin/') ? 'npx ' : '';
  const command = basename(script) === 'mailbox-chat' ? `${npx}mailbox-chat` : `node ${inShell(shown(script))}`;
  const where = resolve(dir) === resolve('mailboxes') ? '' : ` --dir ${inShell(shown(dir))}`;
  return `${command} ${words.map(inShell).join(' ')}${where}`;
}

/** The key stands after the #: browsers send that part to no server, and in no Referer. */
function linkFor(url: string, key: string): string {
  return `${url}${url.endsWith('/') ? '' : '/'}chat.html#key=${key}`;
}

function inDirectory<T>(dir: string, work: (invitations: Invitations) => T): T {
  requireDirectory(dir);
  try {
    checkLayout(dir);
    return work(new Invitations(dir));
  } catch (error) {
    throw unusable(dir, error);
  }
}
