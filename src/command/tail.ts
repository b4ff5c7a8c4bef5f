import { once } from 'node:events';
import { Bell } from '../bell.ts';
import { sinceCursor } from '../http/cursor.ts';
import { type MailboxName, mailboxName } from '../mailbox-name.ts';
import type { MailboxStore, MailEvent } from '../mailbox-store.ts';
import type { Invocation } from './invocation.ts';
import { onStopSignal } from './shutdown.ts';
import { isTerminal, paintFor } from './terminal.ts';
import { withMailboxes } from './with-mailboxes.ts';

/** Prints mail as it comes, until a signal stops it. Only looks: no mark is moved. */
export async function tail({ words, settings: { dir, since } }: Invocation): Promise<void> {
  const who = mailboxName(words[0]);
  const bell = new Bell();
  const tailing = withMailboxes(dir, 'follow', async (mailboxes) => {
    await mailboxes.read(who, undefined, 1); // what waits in the file gets its place in the log
    await follow(mailboxes, who, await sinceCursor(since, mailboxes, who), bell);
  });
  onStopSignal(() => {
    bell.stop();
    return tailing;
  });
  await tailing;
}

/** Hints wake, reads decide, until the bell is stopped. */
async function follow(mailboxes: MailboxStore, who: MailboxName, start: string, bell: Bell): Promise<void> {
  const unwatch = await mailboxes.watch(who, () => bell.ring());
  let cursor = start;
  while (!bell.isStopped) {
    const { events, gap } = await mailboxes.read(who, cursor);
    if (gap) {
      const { oldest } = await mailboxes.ends(who);
      await print({ type: 'gap', data: JSON.stringify({ after: cursor, oldest }) });
      cursor = oldest;
      continue;
    }
    for (const event of events) await print(event);
    cursor = events.at(-1)?.id ?? cursor;
    if (events.length === 0) await bell.rings();
  }
  unwatch();
}

type Shown = Pick<MailEvent, 'data'> & Partial<MailEvent>;

/** Waits for a slow reader, so that a long backlog is never held in memory. */
async function print(event: Shown): Promise<void> {
  const line = isTerminal(process.stdout) ? forPerson(event) : forProgram(event);
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
}

function forProgram({ id, type = 'message', data }: Shown): string {
  return JSON.stringify({ id, type, data });
}

function forPerson({ time = Date.now(), type, data }: Shown): string {
  const paint = paintFor(process.stdout);
  if (type === 'gap') return paint('dim', 'Some older messages are no longer kept.');
  const { sender, message } = messageIn(data);
  const clock = new Date(time).toTimeString().slice(0, 5);
  return `${paint('dim', clock)} ${paint('bold', harmless(sender))}: ${harmless(message)}`;
}

function messageIn(data: string): { sender: string; message: string } {
  try {
    const { sender, message }: Record<string, unknown> = JSON.parse(data);
    if (typeof sender === 'string' && typeof message === 'string') return { sender, message };
  } catch {
    // Any program may write any text into a mailbox: it is shown as it is.
  }
  return { sender: 'from a file', message: data };
}

/** Mail must not move the cursor, colour the terminal or look like another line of ours. */
function harmless(text: string): string {
  return text.replaceAll(/\r\n?|\n/g, '\n      ').replaceAll(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}
