import type { MailboxName } from '../mailbox-name.ts';
import { NETWORK_NOTE } from './access.ts';
import { shown } from './directory.ts';
import type { Paint } from './terminal.ts';

export interface Start {
  readonly version: string;
  readonly readyMs: number;
  readonly url: string;
  readonly dir: string;
  readonly people: readonly MailboxName[];
}

/** What a person sees when the server is up. */
export function banner({ version, readyMs, url, dir, people }: Start, paint: Paint): string {
  const pages = [...pagesOf(people), ['anyone', '']] as const;
  const width = Math.max(...pages.map(([name]) => name.length));
  const lines = [
    `${paint('bold', `Mailbox Chat ${version}`)}  ${paint('dim', `ready in ${readyMs} ms`)}`,
    '',
    ...pages.map(([name, page]) => `${paint('green', '➜')}  ${name.padEnd(width)}  ${paint('cyan', url + page)}`),
    '',
    `   Mailboxes  ${shown(dir)}     (plain text: open them)`,
    `   Network    ${NETWORK_NOTE}`,
    '',
    `Try:  printf 'data: hello from the shell\\n\\n' >> ${inShell(`${shown(dir)}/${people[0]}.txt`)}`,
    'Ctrl+C to stop',
  ];
  return ['', ...lines.map((line) => (line === '' ? '' : `  ${line}`)), '', ''].join('\n');
}

/** Two people have a page each; among more one chooses on the first page. */
function pagesOf(people: readonly MailboxName[]): [name: string, page: string][] {
  const [a, b] = people;
  if (people.length !== 2 || a === undefined || b === undefined) return [];
  return [
    [a, pageFor(a, b)],
    [b, pageFor(b, a)],
  ];
}

function pageFor(me: string, other: string): string {
  if (me === 'henry' && other === 'jjeong') return 'chat1.html';
  if (me === 'jjeong' && other === 'henry') return 'chat2.html';
  return `chat.html?${new URLSearchParams({ me, with: other }).toString()}`;
}

function inShell(path: string): string {
  const short = path.replace(/^\.\//, '');
  return /^[\p{L}\p{N}_./-]+$/u.test(short) && !short.startsWith('-')
    ? short
    : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
