import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { isErrno } from '../words/mailbox-error.ts';
import { isRoom, type MailboxName, mailboxName } from '../words/mailbox-name.ts';
import { changeOf } from '../words/change-data.ts';
import { messageOf } from '../words/message-data.ts';
import { NewTexts } from '../words/new-texts.ts';
import type { Ask } from '../ownership/ask-owner.ts';
import { isMail, latestOf, linesOf, type Line } from '../ownership/mail-lines.ts';
import { readAnswer } from '../ownership/request-owner.ts';
import { Ending, RUNTIME } from './ending.ts';
import { type StoreOptions, withMail } from './mail.ts';
import { stayOwner } from './owner.ts';
import { onStopSignal } from './shutdown.ts';
import { harmless, isTerminal, paintFor } from './terminal.ts';

interface TailOptions extends StoreOptions {
  readonly since?: string;
  readonly exec?: string;
}

type Take = (line: Line) => Promise<void>;

const AGAIN_MS = 250;

/**
 * Prints mail as it comes, or runs a command on it, until a signal stops it. Printing moves no mark. With a command, the
 * mark moves when the command has succeeded: the next start begins with the first event on which it failed.
 */
export async function tail(name: string, { since, exec, ...where }: TailOptions): Promise<void> {
  const who = mailboxName(name);
  const stop = new AbortController();
  if (exec !== undefined && where.store === 'files') stayOwner();
  const start = since ?? (exec !== undefined && !isRoom(who) ? 'waiting' : 'latest');
  const tailing = withMail(where, async (ask) => {
    const take = exec === undefined ? print : handTo(exec, who, ask, stop.signal);
    await readAnswer(await ask(latestOf(who))); // gives ids to what waits in the file
    for (let cursor = start; !stop.signal.aborted;) {
      for await (const line of linesOf(who, cursor, ask, stop.signal)) {
        if (isMail(line) || line.type === 'gap') await take(line);
        cursor = line.id ?? cursor;
      }
      await pause(AGAIN_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  });
  onStopSignal(() => {
    stop.abort();
    return tailing;
  });
  await tailing;
}

/** Runs a command on each event that has a new text, one at a time, and sends a receipt for each event. */
function handTo(command: string, who: MailboxName, ask: Ask, signal: AbortSignal): Take {
  const texts = new NewTexts();
  return async (line) => {
    if (!isMail(line)) console.error(`Some messages of ${who} are no longer kept: ${line.data}`);
    else if (!texts.has(who, line) || (await succeeds(command, line, who, signal))) {
      if (!isRoom(who)) await ask.json('POST', '/receipts', { receiver: who, delivered: line.id });
    }
  };
}

/** Runs the command in the shell, with the event on its standard input. */
async function succeeds(command: string, line: Line, who: MailboxName, signal: AbortSignal): Promise<boolean> {
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'inherit', 'inherit'] });
  child.stdin.on('error', (error) => {
    if (!isErrno(error, 'EPIPE', 'ECONNRESET')) throw error; // a command need not read its input
  });
  child.stdin.end(`${forProgram(line)}\n`);
  const [code, killedBy] = (await once(child, 'exit')) as [number | null, string | null];
  if (code === 0) return true;
  if (signal.aborted) return false; // Ctrl+C reached the command, too
  const how = killedBy === null ? `exit status ${code}` : `ended by ${killedBy}`;
  throw new Ending(RUNTIME, `The command failed on the message ${line.id} of ${who} (${how}).`, [
    'The message does not count as received. Start again: it comes first.',
  ]);
}

/** Waits for a slow reader: a long backlog must not fill the memory. */
async function print(line: Line): Promise<void> {
  const text = isTerminal(process.stdout) ? forPerson(line) : forProgram(line);
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
}

function forProgram({ id, type, data }: Line): string {
  return JSON.stringify({ id, type, data });
}

function forPerson({ type, data, time = Date.now() }: Line): string {
  const paint = paintFor(process.stdout);
  if (type === 'gap') return paint('dim', 'Some older messages are no longer kept.');
  const { sender, text } = said(type, data);
  const clock = new Date(time).toTimeString().slice(0, 5);
  return `${paint('dim', clock)} ${paint('bold', harmless(sender))}: ${harmless(text)}`;
}

function said(type: string, data: string): { sender: string; text: string } {
  const change = changeOf({ type, data });
  if (!change) {
    const { sender, message } = messageOf(data) ?? { sender: 'from a file', message: data };
    return { sender, text: message };
  }
  const { sender, message = '', emoji = '' } = change;
  if (type === 'react') return { sender, text: emoji === '' ? '(took a reaction back)' : `(reacted) ${emoji}` };
  return { sender, text: type === 'edit' ? `(edited) ${message}` : '(removed a message)' };
}
