import { mailboxesIn } from '../files/backup.ts';
import type { FileMailboxes } from '../files/file-mailboxes.ts';
import type { JetStreamMailboxes } from '../jetstream/jetstream-mailboxes.ts';
import { mailboxName, type MailboxName } from '../mailbox-name.ts';
import type { MarkName } from '../mailbox-store.ts';
import { Ending, RUNTIME, USAGE } from './ending.ts';
import type { Invocation } from './invocation.ts';
import { openCluster, openFiles } from './open-store.ts';
import { isTerminal } from './terminal.ts';

/** Mailboxes that are copied at once; in each, one event goes after the other. */
const AT_ONCE = 16;
const READ_LIMIT = 500;

interface Copied {
  readonly mailbox: MailboxName;
  /** Events that were copied now, and that had been copied before. */
  copied: number;
  before: number;
}

/** Copies all mail and marks from files to the cluster, oldest first. What is there already is left as it is. */
export async function migrate({ settings }: Invocation): Promise<void> {
  const files = await openFiles(settings.dir, 'once');
  try {
    const cluster = await openCluster(settings);
    if (!cluster) throw new Ending(USAGE, 'Say where the mail goes: --store nats://host:port');
    try {
      await copyAll(mailboxesIn(settings.dir).map(mailboxName), files, cluster);
    } finally {
      await cluster.close();
    }
  } finally {
    await files.close();
  }
}

async function copyAll(mailboxes: MailboxName[], files: FileMailboxes, cluster: JetStreamMailboxes): Promise<void> {
  const failed: MailboxName[] = [];
  const copyOn = async (): Promise<void> => {
    for (let mailbox = mailboxes.shift(); mailbox !== undefined; mailbox = mailboxes.shift()) {
      try {
        say(await copy(mailbox, files, cluster));
      } catch (error) {
        failed.push(mailbox);
        console.error(`${mailbox} could not be copied: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, copyOn));
  if (failed.length === 0) return;
  throw new Ending(RUNTIME, `Not copied to their end: ${failed.join(', ')}.`, [
    'Run it again: it goes on where it was.',
  ]);
}

async function copy(mailbox: MailboxName, files: FileMailboxes, cluster: JetStreamMailboxes): Promise<Copied> {
  const done: Copied = { mailbox, copied: 0, before: 0 };
  await files.read(mailbox, undefined, 1); // what waits in the file gets its place in the log
  const marks = new NewMarks(await files.marks(mailbox), files);
  let last: string | undefined;
  for await (const { was, id } of cluster.broughtIn(mailbox)) {
    marks.pass(was, id);
    last = was;
    done.before += 1;
  }
  for (let after = last ?? (await files.ends(mailbox)).oldest; ;) {
    const { events, gap } = await files.read(mailbox, after, READ_LIMIT);
    if (gap)
      after = (await files.ends(mailbox)).oldest; // what came between was dropped from the files: it was old
    else if (events.length === 0) break;
    for (const event of events) {
      marks.pass(event.id, await cluster.bringIn(mailbox, event));
      after = event.id;
      done.copied += 1;
    }
  }
  for (const [name, id] of marks.found) await cluster.mark(mailbox, name, id);
  return done;
}

/** Where the marks of the files stand in the cluster: at the last event that was brought in and is not behind them. */
class NewMarks {
  readonly found = new Map<MarkName, string>();
  readonly #marks: [MarkName, string][];
  readonly #files: FileMailboxes;

  constructor(marks: Readonly<Record<string, string>>, files: FileMailboxes) {
    this.#marks = Object.entries(marks) as [MarkName, string][];
    this.#files = files;
  }

  pass(was: string, id: string): void {
    for (const [name, mark] of this.#marks) if (this.#files.compare(was, mark) <= 0) this.found.set(name, id);
  }
}

function say({ mailbox, copied, before }: Copied): void {
  const inWords = `${mailbox}: ${copied} copied${before > 0 ? `, ${before} were there` : ''}`;
  console.log(isTerminal(process.stdout) ? inWords : JSON.stringify({ mailbox, copied, before }));
}
