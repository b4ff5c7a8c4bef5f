import { join } from 'node:path';
import { LANGUAGES, exampleCommand, isInstalled, type Language } from '../../support/mail-examples.ts';
import { ExampleWriter } from './example-writer.ts';
import { ForeignWriter, type WriterKind } from './foreign-writer.ts';
import type { Ledger } from './ledger.ts';

/** Another program that appends to a mailbox until it is stopped or has appended its share. */
export interface Writer {
  readonly isOver?: boolean;
  stop(): Promise<void>;
}

/** The writers of examples/mail in all installed languages. Together they append `appends` events. */
export interface ExampleWriters {
  readonly writers: number;
  readonly appends: number;
  readonly restMs: number;
}

interface Box {
  readonly name: string;
  readonly ledger: Ledger;
}

const BURST = 20;

/** Each mailbox in turn gets the next writer. A writer that is not installed is a complaint. */
export function startWriters(
  kinds: readonly WriterKind[],
  dir: string,
  boxes: readonly Box[],
  complaints: string[],
): Writer[] {
  return kinds
    .filter((kind) => ForeignWriter.isPossible(kind) || !complaints.push(`${kind} is not installed`))
    .map((kind, i) => {
      const { name, ledger } = boxes[i % boxes.length]!;
      return new ForeignWriter({ kind, mailboxFile: join(dir, `${name}.txt`), ledger, burst: BURST, restMs: 100 });
    });
}

/** Compiled programs go into `programs`. */
export function startExamples(
  { writers, appends, restMs }: ExampleWriters,
  dir: string,
  boxes: readonly Box[],
  programs: string,
): Writer[] {
  const installed = (Object.keys(LANGUAGES) as Language[]).filter(isInstalled);
  const languages = installed.slice(0, writers);
  const commands = languages.map((language) => exampleCommand('write', language, programs));
  let left = appends;
  const take = (most: number): number => {
    const count = Math.min(most, left);
    left -= count;
    return count;
  };
  return Array.from({ length: writers }, (_, i) => {
    const { name: mailbox, ledger } = boxes[i % boxes.length]!;
    const name = `${languages[i % languages.length]!}${i}`;
    const command = commands[i % languages.length]!;
    const mailboxFile = join(dir, `${mailbox}.txt`);
    return new ExampleWriter({ name, command, mailboxFile, ledger, take, burst: BURST, restMs });
  });
}
