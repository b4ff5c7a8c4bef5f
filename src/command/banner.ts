import type { MailboxName } from '../mailbox-name.ts';
import { renderUnicodeCompact } from 'uqr';
import { shown } from './directory.ts';
import type { Paint } from './terminal.ts';

export interface Link {
  readonly person: MailboxName;
  readonly link: string;
}

export interface Start {
  readonly version: string;
  readonly readyMs: number;
  readonly url: string;
  readonly dir: string;
  /** The cluster that keeps the mail, when no files do. */
  readonly store?: string;
  readonly people: readonly MailboxName[];
  /** What other computers can do. */
  readonly network: string;
  /** Where the metrics are, if anywhere. */
  readonly metrics?: string;
  /** Invitation links that were just made. */
  readonly links: readonly Link[];
  /** Whether the plain pages work without a link. */
  readonly isOpen: boolean;
}

/** What a person sees when the server is up. */
export function banner(start: Start, paint: Paint): string {
  const { version, readyMs, url, dir, store, people, network, metrics, links, isOpen } = start;
  const pages = isOpen ? [...pagesOf(people), ['anyone', ''] as const] : [];
  const width = Math.max(...pages.map(([name]) => name.length));
  const lines = [
    `${paint('bold', `Mailbox Chat ${version}`)}  ${paint('dim', `ready in ${readyMs} ms`)}`,
    '',
    ...pages.map(([name, page]) => `${paint('green', '➜')}  ${name.padEnd(width)}  ${paint('cyan', url + page)}`),
    '',
    `   Mailboxes  ${store ?? `${shown(dir)}     (plain text: open them)`}`,
    `   Network    ${network}`,
    ...(metrics === undefined ? [] : [`   Metrics    ${metrics}`]),
    '',
    ...links.flatMap(linkLines),
    ...(store === undefined ? [`Try:  ${writeToFile(dir, people)}`] : isOpen ? [`Try:  ${sendTo(url, people)}`] : []),
    'Ctrl+C to stop',
  ];
  return ['', ...lines.map((line) => (line === '' ? '' : `  ${line}`)), '', ''].join('\n');
}

function sendTo(url: string, [a, b = a]: readonly MailboxName[]): string {
  return `curl -d 'sender=${b}&receiver=${a}&message=hello' ${url}messages`;
}

function writeToFile(dir: string, people: readonly MailboxName[]): string {
  return `printf 'data: hello from the shell\\n\\n' >> ${inShell(`${shown(dir)}/${people[0]}.txt`)}`;
}

/** A link to copy, and to photograph with a phone. */
function linkLines({ person, link }: Link): string[] {
  const code = renderUnicodeCompact(link).split('\n');
  return [
    `${person}: ${link}`,
    ...code,
    'Plain http: whoever can read the network can read this link and the mail.',
    '',
  ];
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
