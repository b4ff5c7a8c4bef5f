import { describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BIN } from '../command/running.ts';
import { freePort } from '../faults/kit/server-process.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { listen } from '../support/listener.ts';
import { requires } from '../support/requires.ts';
import { until } from '../support/until.ts';
import { startChat } from './kit/chat-command.ts';
import { appendEvent, everything, mailboxFile } from './kit/mail.ts';

interface FromTerminal {
  readonly dir: string;
  readonly url: string;
  readonly pid: number;
  readonly terminal: ChildProcess;
}

/** A server in the background of a terminal session; it still writes to the terminal. */
async function serveFromTerminal(logFormat: string): Promise<FromTerminal> {
  const dir = temporaryDirectory();
  const pidFile = join(temporaryDirectory(), 'pid');
  const port = await freePort();
  const server = [BIN, '--no-open', '--port', `${port}`, '--dir', dir, '--log-format', logFormat];
  const inBackground = `setsid sh -c 'echo $$ > ${pidFile}; exec ${process.execPath} ${server.join(' ')}' </dev/null & cat`;
  const terminal = spawn('script', ['-qefc', inBackground, '/dev/null'], { stdio: ['pipe', 'ignore', 'ignore'] });
  afterThisTest(() => {
    terminal.kill('SIGKILL');
    const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : undefined;
    if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  const url = `http://127.0.0.1:${port}`;
  const answers = (): Promise<boolean> =>
    fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until('the server to answer', answers);
  return { dir, url, pid: Number(readFileSync(pidFile, 'utf8')), terminal };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // no such process
  }
}

describe.each(['json', 'pretty'])('a server that logs in the form %s', (logFormat) => {
  requires('script', 'setsid')('keeps running when its terminal is gone', async () => {
    const { dir, url, pid, terminal } = await serveFromTerminal(logFormat);

    terminal.kill('SIGKILL');
    await until('the terminal to be gone', () => terminal.signalCode !== null);
    for (let i = 0; i < 3; i += 1) {
      appendFileSync(mailboxFile({ dir }, 'mina'), Buffer.alloc(1_100_000, 'x')); // the line is too long: it says so
      appendFileSync(mailboxFile({ dir }), '\n\nno event\n\n');
      appendEvent({ dir }, `good ${i}`);
      expect((await everything({ url })).at(-1)).toBe(`good ${i}`);
      await everything({ url }, 'mina');
    }

    expect(isAlive(pid)).toBe(true);
  });
});

test.each(['SIGHUP', 'SIGTERM', 'SIGINT'] as const)(
  '%s ends a server cleanly, with a bye on each stream',
  async (signal) => {
    const chat = await startChat();
    const listener = await listen(`${chat.url}/status?receiver=henry`);

    const { code } = await chat.end(signal);

    expect(code).toBe(0);
    await until('bye', () => listener.heard.some(({ type }) => type === 'bye'));
  },
);
