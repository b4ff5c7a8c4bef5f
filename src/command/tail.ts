import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { isErrno } from '../words/mailbox-error.ts';
import { isRoom, type MailboxName, mailboxName } from '../words/mailbox-name.ts';
import { changeOf } from '../words/change-data.ts';
import type { Changed } from '../words/changes.ts';
import type { Mail } from '../words/follow.ts';
import type { MailEvent } from '../words/mailbox-store.ts';
import { fieldsOf, messageOf } from '../words/message-data.ts';
import { NewestTexts } from '../words/newest-texts.ts';
import type { ShownMail } from '../words/shown-mail.ts';
import type { Ask } from '../ownership/request-owner.ts';
import { mailSince, nextMailOf } from '../ownership/next-mail.ts';
import { Ending, RUNTIME } from './ending.ts';
import { type StoreOptions, withMail } from './mail.ts';
import { stayOwner } from './owner.ts';
import { onStopSignal } from './shutdown.ts';
import { harmless, isTerminal, paintFor } from './terminal.ts';

interface TailOptions extends StoreOptions {
  readonly since?: string;
  readonly exec?: string;
}

/** An event, or with the type `gap` and without an id, a notice that some are no longer kept. */
type Line = Omit<MailEvent, 'id' | 'time'> & Partial<MailEvent>;
type Take = (mail: Mail) => Promise<void>;

/**
 * Prints mail as it comes, or runs a command on it, until a signal stops it. Printing moves no mark. With a command, the
 * mark moves when the command has succeeded: the next start begins with the first event on which it failed.
 */
export async function tail(name: string, { since, exec, ...where }: TailOptions): Promise<void> {
  const who = mailboxName(name);
  const stop = new AbortController();
  const { signal } = stop;
  if (exec !== undefined && where.store === 'files') stayOwner();
  const start = since ?? (exec !== undefined && !isRoom(who) ? 'waiting' : 'latest');
  const tailing = withMail(where, async (ask) => {
    const next = nextMailOf(who, ask, signal);
    const take = exec === undefined ? printUntil(signal) : handTo(exec, who, ask, signal);
    await next('latest'); // gives ids to what waits in the file
    for await (const mail of mailSince(start, next)) await take(mail);
  }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  onStopSignal(() => {
    stop.abort();
    return tailing;
  });
  await tailing;
}

/** Runs a command on each message, one at a time, and sends a receipt for each event. */
function handTo(command: string, who: MailboxName, ask: Ask, signal: AbortSignal): Take {
  const next = nextMailOf(who, ask, signal);
  return async ({ gap, events }) => {
    if (gap) console.error(`Some messages of ${who} are no longer kept: ${JSON.stringify(gap)}`);
    const texts = new NewestTexts(who, events, next);
    for (const event of events) {
      const message = await texts.messageIn(event);
      if (message) await run(command, asItIs(event, message), who, signal);
      if (!isRoom(who)) await ask('POST', '/receipts', { receiver: who, delivered: event.id });
    }
  };
}

/** The event with the text that its message has now. */
function asItIs(event: MailEvent, { edited, message }: ShownMail & Changed): MailEvent {
  return edited ? { ...event, data: JSON.stringify({ ...fieldsOf(event.data), message }) } : event;
}

/** Runs the command in the shell, with the event on its standard input. Rejects if it fails. */
async function run(command: string, event: MailEvent, who: MailboxName, signal: AbortSignal): Promise<void> {
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'inherit', 'inherit'] });
  child.stdin.on('error', (error) => {
    if (!isErrno(error, 'EPIPE', 'ECONNRESET')) throw error; // a command need not read its input
  });
  child.stdin.end(`${forProgram(event)}\n`);
  const [code, killedBy] = (await once(child, 'exit')) as [number | null, string | null];
  if (code === 0) return;
  signal.throwIfAborted(); // Ctrl+C reached the command, too
  const how = killedBy === null ? `exit status ${code}` : `ended by ${killedBy}`;
  throw new Ending(RUNTIME, `The command failed on the message ${event.id} of ${who} (${how}).`, [
    'The message does not count as received. Start again: it comes first.',
  ]);
}

/** Waits for a slow reader: a long backlog must not fill the memory. */
function printUntil(signal: AbortSignal): Take {
  return async ({ gap, events }) => {
    for (const line of [...(gap ? [{ type: 'gap', data: JSON.stringify(gap) }] : []), ...events]) {
      signal.throwIfAborted();
      const text = isTerminal(process.stdout) ? forPerson(line) : forProgram(line);
      if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
    }
  };
}

function forProgram({ id, type = 'message', data }: Line): string {
  return JSON.stringify({ id, type, data });
}

function forPerson({ type, data, time = Date.now() }: Line): string {
  const paint = paintFor(process.stdout);
  if (type === 'gap') return paint('dim', 'Some older messages are no longer kept.');
  const { sender, text } = said(type, data);
  const clock = new Date(time).toTimeString().slice(0, 5);
  return `${paint('dim', clock)} ${paint('bold', harmless(sender))}: ${harmless(text)}`;
}

function said(type: string | undefined, data: string): { sender: string; text: string } {
  const change = changeOf({ type, data });
  if (!change) {
    const { sender, message } = messageOf(data) ?? { sender: 'from a file', message: data };
    return { sender, text: message };
  }
  const { sender, message = '', emoji = '' } = change;
  if (type === 'react') return { sender, text: emoji === '' ? '(took a reaction back)' : `(reacted) ${emoji}` };
  return { sender, text: type === 'edit' ? `(edited) ${message}` : '(removed a message)' };
}
