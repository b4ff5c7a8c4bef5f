import { renderUnicodeCompact } from 'uqr';
import type { MailboxName } from '../words/mailbox-name.ts';
import { inShell, shown } from './directory.ts';
import type { Paint } from './terminal.ts';

export interface Start {
  readonly version: string;
  readonly readyMs: number;
  readonly url: string;
  readonly dir: string;
  /** The cluster that keeps the mail, if it is not in files. */
  readonly store?: string;
  readonly people: readonly MailboxName[];
  readonly network: string;
  readonly metrics?: string;
  /** Invitation links that were just made. */
  readonly links: readonly { readonly person: MailboxName; readonly link: string }[];
  /** Whether the plain pages work without a link. */
  readonly isOpen: boolean;
}

/** What a person sees when the server is up. */
export function banner(start: Start, paint: Paint): string {
  const { version, readyMs, url, dir, store, people, network, metrics, links, isOpen } = start;
  const pages = isOpen ? pagesFor(people) : [['anyone with a link', ''] as const];
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
    // A link to copy, and to photograph with a phone.
    ...links.flatMap(({ person, link }) => [
      `${person}: ${link}`,
      ...renderUnicodeCompact(link).split('\n'),
      'Plain http: whoever can read the network can read this link and the mail.',
      '',
    ]),
    ...(store === undefined || isOpen ? [`Try:  ${somethingToTry(start)}`] : []),
    'Ctrl+C to stop',
  ];
  return ['', ...lines.map((line) => (line === '' ? '' : `  ${line}`)), '', ''].join('\n');
}

/** Two people have a page each. With more, people choose on the first page. */
function pagesFor(people: readonly MailboxName[]): [name: string, page: string][] {
  const [a = '', b = ''] = people;
  const pairs = people.length === 2 ? [[a, b] as const, [b, a] as const] : [];
  return [...pairs.map(([me, other]): [string, string] => [me, pageFor(me, other)]), ['anyone', '']];
}

function pageFor(me: string, other: string): string {
  if (me === 'henry' && other === 'jjeong') return 'chat1.html';
  if (me === 'jjeong' && other === 'henry') return 'chat2.html';
  return `chat.html?${new URLSearchParams({ me, with: other }).toString()}`;
}

function somethingToTry({ store, dir, url, people: [a, b = a] }: Start): string {
  if (store !== undefined) return `curl -d 'sender=${b}&receiver=${a}&message=hello' ${url}messages`;
  return `printf 'data: hello from the shell\\n\\n' >> ${inShell(`${shown(dir)}/${a}.txt`)}`;
}
