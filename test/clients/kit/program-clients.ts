import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join, resolve } from 'node:path';
import { tracked } from '../../faults/kit/server-process.ts';
import type { Client } from './client.ts';

const EXAMPLES = resolve(import.meta.dirname, '../../../examples/listen');
const SOON_S = '0.001';
const WITHOUT_CURSOR = `while :; do curl -sN -H 'Accept: application/x-ndjson' "$1"; echo; sleep ${SOON_S}; done`;

/** Programs that print events as lines of JSON. */
export const PROGRAM_CLIENTS: readonly Client[] = [
  program({ name: 'curl', needs: 'curl', command: ['sh', join(EXAMPLES, 'listen.sh')] }),
  program({ name: 'PHP', needs: 'php', command: ['php', join(EXAMPLES, 'listen.php')] }),
  program({ name: 'Python', needs: 'python3', command: ['python3', join(EXAMPLES, 'listen.py')] }),
  {
    ...program({ name: 'curl', needs: 'curl', command: ['sh', '-c', WITHOUT_CURSOR, 'sh'] }),
    name: 'curl without a cursor',
    hasCursor: false,
  },
];

/** Uses a library from a Debian package. It needs Go, which is large. */
export function goClient(dir: string): Client {
  const command = join(dir, 'listen');
  const client = program({
    name: 'donovanhide/eventsource',
    needs: 'go',
    command: [command],
    versionArgs: ['version'],
  });
  return {
    ...client,
    listen(url, hear) {
      execFileSync('go', ['build', '-o', command, join(EXAMPLES, 'listen.go')], {
        env: { ...process.env, GO111MODULE: 'off', GOPATH: process.env['GOPATH'] ?? '/usr/share/gocode' },
      });
      return client.listen(url, hear);
    },
  };
}

interface Program {
  readonly name: string;
  readonly needs: string;
  readonly command: readonly string[];
  readonly versionArgs?: readonly string[];
}

function program({ name, needs, command, versionArgs = ['--version'] }: Program): Client {
  return {
    name,
    hasCursor: true,
    needs: [needs],
    version: () => /\d+(?:\.\d+)+/.exec(execFileSync(needs, versionArgs, { encoding: 'utf8' }))?.[0] ?? 'unknown',
    listen(url, hear) {
      const [file = '', ...args] = command;
      // Its own process group: the shell has children, which must end with it.
      const child = tracked(
        spawn(file, [...args, url, SOON_S], { stdio: ['ignore', 'pipe', 'ignore'], detached: true }),
      );
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const event = parsed(line);
        if (event?.type === 'message') hear(event.id, event.data);
      });
      return () => process.kill(-child.pid!, 'SIGTERM');
    },
  };
}

/** Ignores half a line, which a program without a cursor prints when its connection is cut. */
function parsed(line: string): { type: string; id: string; data: string } | undefined {
  try {
    return JSON.parse(line) as { type: string; id: string; data: string };
  } catch {
    return undefined;
  }
}
