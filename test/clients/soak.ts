import { execFileSync } from 'node:child_process';
import { makeDirectory, removeDirectory } from '../support/make-directory.ts';
import { missingOf } from '../support/machine.ts';
import type { Client } from './kit/client.ts';
import { cutClients, type Heard } from './kit/cut-clients.ts';
import { htmxPages, libraryPages } from './kit/library-pages.ts';
import { NODE_CLIENTS, otherNodeClients } from './kit/node-clients.ts';
import { Pages } from './kit/page-clients.ts';
import { goClient, PROGRAM_CLIENTS } from './kit/program-clients.ts';

/** Packages that are too large for every installation, or need a newer Node. */
const OTHER_PACKAGES = [
  'eventsource5@npm:eventsource@5.1.5',
  'event-source-plus@0.1.15',
  'htmx.org@2.0.11',
  'htmx-ext-sse@2.2.4',
];
const MS_PER_CUT = 600;

export interface ClientSoakOptions {
  readonly seed: number;
  readonly cuts: number;
  readonly report: (line: string) => void;
}

export interface ClientSoakResult {
  readonly lost: number;
  readonly twice: number;
  readonly reordered: number;
  readonly strange: number;
  /** Clients that were left out, or that stopped coming back. */
  readonly complaints: readonly string[];
}

/** Runs the newest versions of all clients by others, and cuts the connections of each so many times. */
export async function soakClients({ seed, cuts, report }: ClientSoakOptions): Promise<ClientSoakResult> {
  const dir = makeDirectory();
  const pages = new Pages();
  try {
    execFileSync('npm', [
      'install',
      '--loglevel=error',
      '--prefix',
      dir,
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      ...OTHER_PACKAGES,
    ]);
    const modules = `${dir}/node_modules`;
    const clients: Client[] = [
      ...NODE_CLIENTS,
      ...otherNodeClients(modules),
      ...libraryPages(pages),
      ...htmxPages(pages, modules),
      ...PROGRAM_CLIENTS,
      goClient(dir),
    ];
    const present = clients.filter(({ needs }) => missingOf(needs).length === 0);
    const heard = await cutClients({ clients: present, cuts, seed, withinMs: cuts * MS_PER_CUT });
    for (const one of heard) report(JSON.stringify(one));
    return judge(
      heard,
      cuts,
      clients.filter((client) => !present.includes(client)).map(({ name }) => name),
    );
  } finally {
    await pages.close();
    await removeDirectory(dir);
  }
}

function judge(heard: readonly Heard[], cuts: number, leftOut: readonly string[]): ClientSoakResult {
  const sum = (what: 'lost' | 'twice' | 'reordered' | 'strange'): number =>
    heard.reduce((total, one) => total + one[what], 0);
  const stopped = heard.filter((one) => one.cuts < cuts);
  return {
    lost: sum('lost'),
    twice: sum('twice'),
    reordered: sum('reordered'),
    strange: sum('strange'),
    complaints: [
      ...leftOut.map((name) => `left out: ${name}`),
      ...stopped.map(({ client, cuts }) => `${client} stopped coming back after ${cuts} cuts`),
    ],
  };
}
