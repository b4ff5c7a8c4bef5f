import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Follow, type Gap } from '../follow.ts';
import { LocalLive } from '../live.ts';
import { isErrno } from '../mailbox-error.ts';
import { isRoom, type MailboxName, mailboxName } from '../mailbox-name.ts';
import type { MailboxStore, MailEvent } from '../mailbox-store.ts';
import { Receipts } from '../receipts.ts';
import { afterMark, sinceCursor } from '../since.ts';
import { messageOf } from '../message-data.ts';
import { Ending, RUNTIME } from './ending.ts';
import { type StoreOptions, withMailboxes } from './open-store.ts';
import { onStopSignal } from './shutdown.ts';
import { harmless, isTerminal, paintFor } from './terminal.ts';

interface TailOptions extends StoreOptions {
  readonly since?: string;
  readonly exec?: string;
}

/**
 * Prints mail as it comes, or hands it to a command, until a signal stops it. Printing moves no mark. With a
 * command, the mark moves when the command has succeeded, so the next start begins with the first event that failed.
 */
export async function tail(name: string, { since, exec, ...where }: TailOptions): Promise<void> {
  const who = mailboxName(name);
  const stop = new AbortController();
  const tailing = withMailboxes(where, 'follow', async (mailboxes) => {
    await mailboxes.drain(who);
    const goesOn = exec !== undefined && since === undefined && !isRoom(who);
    const start = await (goesOn ? afterMark(mailboxes, who) : sinceCursor(since ?? 'latest', mailboxes, who));
    const take = exec === undefined ? print : handTo(exec, who, mailboxes, stop.signal);
    await followUntil(stop.signal, start, who, mailboxes, take);
  });
  onStopSignal(() => {
    stop.abort();
    return tailing;
  });
  await tailing;
}

type Take = (item: MailEvent | Gap) => Promise<void>;

/** Resolves when the signal has come and what was begun is done. */
function followUntil(
  signal: AbortSignal,
  start: string,
  who: MailboxName,
  mailboxes: MailboxStore,
  take: Take,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const follow = new Follow(start, who, mailboxes, {
      async take({ gap, events }) {
        for (const item of gap ? [gap, ...events] : events) if (!signal.aborted) await take(item);
      },
      over: (error) => (error === undefined ? resolve() : reject(error)),
    });
    signal.addEventListener('abort', () => follow.stop());
    if (signal.aborted) follow.stop();
    void follow.begin();
  });
}

function handTo(exec: string, who: MailboxName, mailboxes: MailboxStore, stopping: AbortSignal): Take {
  const receipts = new Receipts(mailboxes, mailboxes.live ?? new LocalLive());
  return async (item) => {
    if ('oldest' in item) console.error(`Some messages of ${who} are no longer kept: ${JSON.stringify(item)}`);
    else if (await succeeds(exec, item, who, stopping)) await receipts.delivered(who, item.id);
  };
}

/** Runs the command in the shell, with the event on its standard input. */
async function succeeds(command: string, event: MailEvent, who: MailboxName, stopping: AbortSignal): Promise<boolean> {
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'inherit', 'inherit'] });
  child.stdin.on('error', (error) => {
    if (!isErrno(error, 'EPIPE', 'ECONNRESET')) throw error; // it need not read its input
  });
  child.stdin.end(`${forProgram(event)}\n`);
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (code === 0) return true;
  if (stopping.aborted) return false; // Ctrl+C reaches the command, too
  const how = signal === null ? `exit status ${code}` : `ended by ${signal}`;
  throw new Ending(RUNTIME, `The command failed on the message ${event.id} of ${who} (${how}).`, [
    'The message does not count as received. Start again: it comes first.',
  ]);
}

/** Waits for a slow reader, so that a long backlog is never held in memory. */
async function print(event: MailEvent | Gap): Promise<void> {
  const line = isTerminal(process.stdout) ? forPerson(event) : forProgram(event);
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
}

function forProgram(event: MailEvent | Gap): string {
  if ('oldest' in event) return JSON.stringify({ type: 'gap', data: JSON.stringify(event) });
  const { id, type = 'message', data } = event;
  return JSON.stringify({ id, type, data });
}

function forPerson(event: MailEvent | Gap): string {
  const paint = paintFor(process.stdout);
  if ('oldest' in event) return paint('dim', 'Some older messages are no longer kept.');
  const { sender, message } = messageOf(event.data) ?? { sender: 'from a file', message: event.data };
  const clock = new Date(event.time).toTimeString().slice(0, 5);
  return `${paint('dim', clock)} ${paint('bold', harmless(sender))}: ${harmless(message)}`;
}
