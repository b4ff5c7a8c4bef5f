import { existsSync } from 'node:fs';
import { examineDirectory } from '../doctor/directory.ts';
import type { Finding } from '../doctor/finding.ts';
import { examineServer } from '../doctor/server.ts';
import { examineProgram, examineWatching } from '../doctor/system.ts';
import { shown } from './directory.ts';
import { Ending, RUNTIME, USAGE } from './ending.ts';
import type { Invocation } from './invocation.ts';
import { paintFor, type Paint } from './terminal.ts';

/** Looks for what is wrong, and says what mends it: a line for each finding. Ends with 1 when there is a problem. */
export async function doctor({ words, settings, isGiven }: Invocation): Promise<void> {
  const { dir, key, idle, json } = settings;
  const url = words[0] === undefined ? undefined : addressIn(words[0]);
  const findings: Finding[] = [];
  const paint = paintFor(process.stdout);
  const report = (finding: Finding): void => {
    findings.push(finding);
    if (!json) console.log(inWords(finding, paint));
  };

  report(examineProgram());
  const hasDirectory = existsSync(dir);
  if (hasDirectory) for (const finding of await examineDirectory(shown(dir))) report(finding);
  else if (!url || isGiven('dir')) report(noMailboxes(dir));
  for (const finding of examineWatching(hasDirectory ? dir : '.')) report(finding);
  if (url) {
    const at = hasDirectory ? shown(dir) : undefined;
    const signal = interruption();
    await examineServer({ url, dir: at, key: key || undefined, idleMs: idle * 1000, signal, report });
  }

  const isWell = findings.every(({ level }) => level !== 'problem');
  if (json) console.log(JSON.stringify({ ok: isWell, findings }));
  process.exitCode = isWell ? 0 : RUNTIME;
}

function addressIn(text: string): URL {
  if (!/^https?:\/\/[^\s#?]+$/.test(text) || !URL.canParse(text)) {
    throw new Ending(USAGE, `'${text}' is no address that begins with http:// or https://.`);
  }
  return new URL(text.endsWith('/') ? text : `${text}/`);
}

function noMailboxes(dir: string): Finding {
  return {
    level: 'problem',
    what: `There are no mailboxes at ${shown(dir)}`,
    fix: 'Start Mailbox Chat there first, or say where they are: --dir <path>',
  };
}

/** Ctrl+C: what was begun is tidied up first; a second one does not wait. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(RUNTIME);
      controller.abort(new Ending(RUNTIME, 'Interrupted.'));
    });
  }
  return controller.signal;
}

const COLORS = { ok: 'green', warning: 'bold', problem: 'red' } as const;

function inWords({ level, what, fix }: Finding, paint: Paint): string {
  return `${paint(COLORS[level], level.padEnd(7))}  ${what}${fix ? `. ${fix}` : ''}`;
}
