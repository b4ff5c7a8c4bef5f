import { performance } from 'node:perf_hooks';
import { urlOf } from '../access/this-computer.ts';
import { withoutPassword } from '../jetstream/address.ts';
import { VERSION } from '../words/version.ts';
import { networkNote, type AccessSettings } from './access.ts';
import { shown } from './directory.ts';
import { commandLine, firstLinks } from './invite.ts';
import type { ServeOptions } from './serve.ts';
import { isTerminal, paintFor } from './terminal.ts';

/** Where the server listens, and where its metrics are, if it serves any. */
export interface Listening {
  readonly port: number;
  readonly metrics: string | undefined;
}

/** Says once that the chat is up: in words to a person, in one line of JSON to a program. */
export async function announce(options: ServeOptions, access: AccessSettings, at: Listening): Promise<void> {
  const { host, dir, people, store } = options;
  const { port, metrics } = at;
  const start = {
    version: VERSION,
    readyMs: Math.round(performance.now()),
    url: urlOf(host, port),
    dir,
    people,
    ...(store !== 'files' && { store: store.servers.map(withoutPassword).join(',') }),
    ...(metrics !== undefined && { metrics }),
  };
  const isOpen = access.access === 'open';
  const invite = commandLine(dir, 'invite', people[0]!);
  if (!isTerminal(process.stderr)) {
    const said = { name: 'mailbox-chat', ...start, host, port, dir: shown(dir), pid: process.pid };
    console.log(JSON.stringify(isOpen ? said : { ...said, invite }));
    return;
  }
  const { banner } = await import('./banner.ts');
  const links = isOpen ? [] : firstLinks(dir, people, start.url);
  const text = banner({ ...start, network: networkNote(access, invite), links, isOpen }, paintFor(process.stderr));
  const isMoved = options.port !== 0 && options.port !== port;
  const moved = isMoved ? `\n  Port ${options.port} is in use by another program: using ${port}.\n` : '';
  process.stderr.write(moved + text);
}
