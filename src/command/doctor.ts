import { existsSync } from 'node:fs';
import { examineDirectory } from '../doctor/directory.ts';
import { problem, type Finding } from '../doctor/finding.ts';
import { examineServer } from '../doctor/server.ts';
import { examineSystem } from '../doctor/system.ts';
import { shown } from './directory.ts';
import { Ending, RUNTIME, USAGE } from './ending.ts';
import { harmless, paintFor, type Paint } from './terminal.ts';

interface DoctorOptions {
  readonly dir: string;
  /** An invitation's key, or ''. */
  readonly key: string;
  /** How many seconds to watch a quiet stream. */
  readonly idle: number;
  readonly json: boolean;
}

/** Prints what is wrong and how to mend it, a line for each finding. The exit status is 1 if there is a problem. */
export async function doctor(url: string | undefined, options: DoctorOptions): Promise<void> {
  const findings: Finding[] = [];
  const paint = paintFor(process.stdout);
  for await (const finding of examine(url === undefined ? undefined : addressIn(url), options)) {
    findings.push(finding);
    if (!options.json) console.log(inWords(finding, paint));
  }
  const isWell = findings.every(({ level }) => level !== 'problem');
  if (options.json) console.log(JSON.stringify({ ok: isWell, findings }));
  process.exitCode = isWell ? 0 : RUNTIME;
}

async function* examine(url: URL | undefined, { dir, key, idle }: DoctorOptions): AsyncGenerator<Finding> {
  const at = existsSync(dir) ? shown(dir) : undefined;
  yield* examineSystem(at ?? '.');
  if (at !== undefined) yield* examineDirectory(at);
  // If only a server is to be examined, its mailboxes need not be at the usual place.
  else if (!url || shown(dir) !== './mailboxes') yield noMailboxes(dir);
  if (url) yield yield* examineServer(url, at, key || undefined, idle * 1000);
}

function addressIn(text: string): URL {
  if (!/^https?:\/\/[^\s#?/@]+(?:\/[^\s#?]*)?$/.test(text) || !URL.canParse(text)) {
    throw new Ending(USAGE, `'${text}' is not an address such as http://localhost:2012/ or https://example.com/chat/.`);
  }
  return new URL(text.endsWith('/') ? text : `${text}/`);
}

function noMailboxes(dir: string): Finding {
  const fix = 'Start Mailbox Chat there first, or name another directory: --dir <path>';
  return problem(`There are no mailboxes at ${shown(dir)}`, fix);
}

const COLORS = { ok: 'green', warning: 'bold', problem: 'red' } as const;

function inWords({ level, what, fix }: Finding, paint: Paint): string {
  return `${paint(COLORS[level], level.padEnd(7))}  ${harmless(fix ? `${what.replace(/\.$/, '')}. ${fix}` : what)}`;
}
