import { performance } from 'node:perf_hooks';
import { VERSION } from '../version.ts';
import { networkAddresses, networkNote, type AccessSettings } from './access.ts';
import { banner, type Link, type Start } from './banner.ts';
import { shown } from './directory.ts';
import { inviteAll, linkFor } from './invite.ts';
import { urlOf } from './listen.ts';
import { shownServers } from './open-store.ts';
import type { Settings } from './options.ts';
import { isTerminal, paintFor } from './terminal.ts';

export interface Listening {
  readonly port: number;
  /** Where the metrics are, if anywhere. */
  readonly metrics: string | undefined;
}

/** Says once that the chat is up: to a person in words, to a program in one line of JSON. */
export function announce(settings: Settings, access: AccessSettings, { port, metrics }: Listening): void {
  const { host, port: asked, dir, people } = settings;
  const readyMs = Math.round(performance.now());
  const network = networkNote(access, host);
  const store = settings.store === 'files' ? {} : { store: shownServers(settings.store) };
  const always = { version: VERSION, readyMs, url: urlOf(host, port), dir, people };
  const start = { ...always, ...store, ...(metrics && { metrics }) };
  if (!isTerminal(process.stderr)) {
    console.log(JSON.stringify({ name: 'mailbox-chat', ...start, host, port, dir: shown(dir), pid: process.pid }));
    return;
  }
  const moved = asked !== 0 && asked !== port ? `\n  Port ${asked} is in use by another program: using ${port}.\n` : '';
  const links = firstLinks(settings, access, port);
  const shownStart: Start = { ...start, network, links, isOpen: access.access === 'open' };
  process.stderr.write(moved + banner(shownStart, paintFor(process.stderr)));
}

/** With links and a terminal, those who have none get theirs now; later ones come from `mailbox-chat invite`. */
function firstLinks({ dir, people, host }: Settings, { access }: AccessSettings, port: number): Link[] {
  if (access !== 'links') return [];
  const base = networkAddresses(host)[0] ?? 'localhost';
  return inviteAll(dir, people).map(({ person, key }) => ({ person, link: linkFor(`http://${base}:${port}/`, key) }));
}
