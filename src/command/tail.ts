import { once } from 'node:events';
import { Bell } from '../bell.ts';
import { sinceCursor } from '../since.ts';
import { Receipts } from '../receipts.ts';
import { LocalLive } from '../live.ts';
import { type MailboxName, ROOM_PREFIX, mailboxName } from '../mailbox-name.ts';
import type { MailboxStore, MailEvent } from '../mailbox-store.ts';
import { Ending, RUNTIME, USAGE } from './ending.ts';
import { runInShell } from './exec.ts';
import type { Invocation } from './invocation.ts';
import { onStopSignal } from './shutdown.ts';
import { isTerminal, paintFor } from './terminal.ts';
import { withMailboxes } from './open-store.ts';

type Gap = { readonly after: string; readonly oldest: string };

/** What to do with mail. Only when `take` has resolved comes the next event. */
interface Taker {
  take(event: MailEvent): Promise<void>;
  gap(gap: Gap): Promise<void>;
}

/** Prints mail as it comes, or hands it to a command, until a signal stops it. Printing only looks: no mark is moved. */
export async function tail({ words, settings, isGiven }: Invocation): Promise<void> {
  const { since, exec } = settings;
  const who = mailboxName(words[0]);
  if (isGiven('exec') && exec.trim() === '') throw new Ending(USAGE, '--exec needs a command.');
  const bell = new Bell();
  const tailing = withMailboxes(settings, 'follow', async (mailboxes) => {
    await mailboxes.read(who, undefined, 1); // what waits in the file gets its place in the log
    const takesUp = exec !== '' && !isGiven('since') && !isRoom(who);
    const start = takesUp ? await afterMark(mailboxes, who) : await sinceCursor(since, mailboxes, who);
    await follow(mailboxes, who, start, exec === '' ? printer : commandFor(exec, mailboxes, who, bell), bell);
  });
  onStopSignal(() => {
    bell.stop();
    return tailing;
  });
  await tailing;
}

function isRoom(who: MailboxName): boolean {
  return who.startsWith(ROOM_PREFIX);
}

async function afterMark(mailboxes: MailboxStore, who: MailboxName): Promise<string> {
  return (await mailboxes.marks(who))['delivered'] ?? (await mailboxes.ends(who)).oldest;
}

/** Hints wake, reads decide, until the bell is stopped. */
async function follow(
  mailboxes: MailboxStore,
  who: MailboxName,
  start: string,
  taker: Taker,
  bell: Bell,
): Promise<void> {
  const unwatch = await mailboxes.watch(who, () => bell.ring());
  let cursor = start;
  try {
    while (!bell.isStopped) {
      const { events, gap } = await mailboxes.read(who, cursor);
      if (gap) {
        const { oldest } = await mailboxes.ends(who);
        await taker.gap({ after: cursor, oldest });
        cursor = oldest;
        continue;
      }
      for (const event of events) {
        if (bell.isStopped) return;
        await taker.take(event);
        cursor = event.id;
      }
      if (events.length === 0) await bell.rings();
    }
  } finally {
    unwatch();
  }
}

/**
 * Each event goes to the command's standard input, one at a time. The mark moves when the command has succeeded, so
 * that the next start begins with the first event that has no success yet: at least once, in order.
 */
function commandFor(command: string, mailboxes: MailboxStore, who: MailboxName, bell: Bell): Taker {
  const receipts = new Receipts(mailboxes, mailboxes.live ?? new LocalLive());
  return {
    async take(event) {
      const failure = await runInShell(command, `${forProgram(event)}\n`);
      if (failure === undefined) return isRoom(who) ? undefined : receipts.delivered(who, event.id);
      if (bell.isStopped) return; // Ctrl+C reaches the command, too
      throw new Ending(RUNTIME, `The command failed on the message ${event.id} of ${who} (${failure}).`, [
        'The message does not count as received. Start again: it comes first.',
      ]);
    },
    gap({ after, oldest }) {
      console.error(`Some messages of ${who} are no longer kept: after ${after}, up to ${oldest}.`);
      return Promise.resolve();
    },
  };
}

const printer: Taker = {
  take: print,
  gap: (gap) => print({ type: 'gap', data: JSON.stringify(gap) }),
};

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
