import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, parse } from 'node:path';
import { mailboxName, type MailboxName } from '../../src/words/mailbox-name.ts';
import type { MailEvent } from '../../src/words/mailbox-store.ts';

const FIXTURES = join(import.meta.dirname, '../store/layout-one');

interface OldReading {
  readonly oldest: string;
  readonly newest: string;
  readonly events: readonly MailEvent[];
  readonly marks: Readonly<Record<string, string>>;
}

/** A directory of version 1, and what version 1 read from it. */
export interface OldDirectory {
  readonly now: number;
  readonly files: Readonly<Record<string, string | null>>;
  readonly read: Readonly<Record<string, OldReading>>;
}

export const OLD_DIRECTORIES = readdirSync(FIXTURES)
  .filter((name) => name.endsWith('.json'))
  .map((name) => parse(name).name);

export function oldDirectory(name: string): OldDirectory {
  return JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), 'utf8'));
}

export function layOut({ files }: OldDirectory, dir: string): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(dir, text === null ? path : dirname(path)), { recursive: true, mode: 0o700 });
    if (text !== null) writeFileSync(join(dir, path), text, { mode: 0o600 });
  }
}

/** What version 1 gave, with the mark of foreign mail, which it did not have. */
export function readingsOf({ read }: OldDirectory): [MailboxName, OldReading][] {
  return Object.entries(read).map(([name, { events, ...ends }]) => [
    mailboxName(name),
    { ...ends, events: events.map((event) => (event.id.includes('.') ? { ...event, foreign: true as const } : event)) },
  ]);
}
