/** Erases the texts of messages that were edited or removed. They are overwritten in place, so every id and offset stays. */
import { closeSync, constants, writeSync } from 'node:fs';
import { changeOf } from '../words/change-data.ts';
import { MailboxError, isErrno } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import { messageOf } from '../words/message-data.ts';
import type { MessageFile } from '../words/message-files.ts';
import { originOf, shownMail } from '../words/shown-mail.ts';
import { Slices } from '../words/slices.ts';
import { SAFELY, readRange, sync, writing } from './disk.ts';
import { dataOf, foreignBlockWithoutText, ourBlockWithoutText } from './erased-text.ts';
import { compareIds } from './event-id.ts';
import { FileGone, openLogFile, type LogFile } from './log-file.ts';
import { chunksOf, type Depth } from './log-reading.ts';
import type { MailLog } from './mail-log.ts';
import type { Mailbox } from './mailbox.ts';
import type { ReadEvent } from './read-state.ts';

/** An event, and the file that it is in. */
interface Placed {
  readonly file: LogFile;
  readonly event: ReadEvent;
}

/** `isEdited`: a later text takes its place. Otherwise it was removed. */
interface Replaced extends Placed {
  readonly isEdited: boolean;
}

/** Lets go of the files of a message that was removed. */
export type Release = (files: readonly MessageFile[]) => Promise<void>;

/** Not for appending: that would ignore the place to write at. */
const IN_PLACE = constants.O_RDWR | SAFELY;
const MAX_ATTEMPTS = 10;
/** `of` in a change of ours. The rest of its data may be half erased, so that it is no JSON. */
const OF = /^\{"sender":"[^"\\]*","receiver":"[^"\\]*"(?:,"name":"(?:[^"\\]|\\.)*")?,"of":"([^"\\]*)"/;

/**
 * Erases what the changes of the message `of` have replaced. What was replaced before the change `since` is erased already.
 * Resolves once that is on disk, to false if a file with such a text belongs to another user, or leaves no room.
 */
export async function erase(box: Mailbox, of: string, release: Release, since = of): Promise<boolean> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    try {
      const replaced = await replacedIn(await box.upToDate(), of, since);
      for (const { event, isEdited } of replaced) {
        const { files } = (event.id === of && !isEdited && messageOf(event.data)) || {};
        if (files) await release(files); // first: once it is erased, nothing tells which files it had
      }
      const isErased = replaced.length === 0 || (await box.inTurn((log) => eraseAll(log, replaced)));
      if (isErased !== undefined) return isErased;
    } catch (error) {
      if (!(error instanceof FileGone) && !isErrno(error, 'ENOENT')) throw error; // its pieces were moved or merged
    }
  }
  throw new MailboxError('MAILBOX_BUSY', 'The files of this mailbox keep changing. Send again.');
}

async function replacedIn(log: MailLog, of: string, since: string): Promise<Replaced[]> {
  const { name } = log.paths;
  const message = await messageIn(log, of);
  const sender = message && senderOf(name, message.event);
  if (!message || sender === undefined) return [];
  const changes: Placed[] = [];
  for await (const placed of eventsFrom(log, since, (bytes) => bytes.includes(of))) {
    const { event } = placed;
    if (compareIds(event.id, since) >= 0 && isChange(name, event, sender, of)) changes.push(placed);
  }
  return replacedAmong([message, ...changes]);
}

async function messageIn(log: MailLog, id: string): Promise<Placed | undefined> {
  for await (const placed of eventsFrom(log, id, 'events')) {
    const order = compareIds(placed.event.id, id);
    if (order >= 0) return order === 0 ? placed : undefined;
  }
  return undefined;
}

/** The events from `id` on, and some before it. */
async function* eventsFrom({ files, paths }: MailLog, id: string, depth: Depth): AsyncGenerator<Placed> {
  for (const file of files) {
    if (file.readTo === 0 || (file.end !== undefined && compareIds(file.end, id) < 0)) continue;
    const from = file.beginnings.findLast(({ last }) => compareIds(last, id) < 0) ?? file.first;
    for await (const { events } of chunksOf(paths.name, file, from, depth)) {
      for (const event of events) yield { file, event };
    }
  }
}

/** Changes that another program wrote apply only to its own messages, and erase nothing. */
function replacedAmong([message, ...changes]: readonly Placed[]): Replaced[] {
  if (!message) return [];
  const counted = changes.filter(({ event }) => isOurs(event) || !isOurs(message.event));
  const ours = counted.filter(({ event }) => isOurs(event));
  const isEdited = !ours.some(({ event }) => event.type === 'remove');
  const newest = ours.at(-1);
  if (!newest) return [];
  const older = isEdited ? counted.slice(0, counted.indexOf(newest)) : counted;
  return [message, ...older].map((placed) => ({ ...placed, isEdited }));
}

function isOurs({ sender }: ReadEvent): boolean {
  return sender !== undefined;
}

function senderOf(mailbox: MailboxName, event: ReadEvent): string | undefined {
  return event.sender ?? shownMail(mailbox, { ...event, time: 0 }).sender ?? undefined;
}

function isChange(mailbox: MailboxName, event: ReadEvent, sender: string, of: string): boolean {
  const { type, data } = event;
  if (type !== 'edit' && type !== 'remove') return false;
  if (isOurs(event)) return event.sender === sender && OF.exec(data)?.[1] === of;
  const change = changeOf(event);
  return change?.of === of && originOf(mailbox, { ...event, time: 0 }, change)?.sender === sender;
}

/** Undefined if a text is no longer where it was found. */
async function eraseAll(log: MailLog, all: readonly Replaced[]): Promise<boolean | undefined> {
  let isErased = true;
  try {
    for (const { event, isEdited } of all) {
      const source = sourceOf(log, event);
      if (source) await eraseIn(log, source.file, [{ ...source, isEdited }]); // first: once it is erased, nothing tells where that is
    }
    for (const file of new Set(all.map((replaced) => replaced.file))) {
      if (!log.files.includes(file)) return undefined;
      const inFile = all.filter((replaced) => replaced.file === file);
      const isGone = await eraseIn(log, file, inFile);
      if (isGone === undefined) return undefined;
      isErased &&= isGone;
    }
    return isErased;
  } finally {
    log.forgetTexts();
  }
}

/** Late mail also stands behind the end marker of the piece that it came to. */
function sourceOf({ files }: MailLog, event: ReadEvent): Placed | undefined {
  const { piece, from = 0, to: end = 0 } = event.late ?? {};
  const file = files.find(({ start, isMerged, readTo }) => start === piece && !isMerged && readTo > 0);
  return file && { file, event: { ...event, from, end } };
}

/** Undefined if one of the texts is no longer there. One sync is for all, since a message may have thousands of edits. */
async function eraseIn(log: MailLog, file: LogFile, all: readonly Replaced[]): Promise<boolean | undefined> {
  const fd = openToErase(log, file);
  if (fd === undefined) return false;
  const slices = new Slices();
  let isErased = true;
  try {
    for (const { event, isEdited } of all) {
      const block = readRange(fd, event.from, event.end).toString('latin1');
      if (dataOf(block) !== event.data) return undefined;
      const erased = isOurs(event)
        ? ourBlockWithoutText(block, isEdited)
        : foreignBlockWithoutText(block, event.data, isEdited);
      if (erased === undefined) isErased = cannot(log, file, 'its JSON leaves no room');
      else overwrite(fd, event.from, block, erased);
      await slices.rest();
    }
    await sync(fd); // also what was erased before: the process may have died before the sync
    return isErased;
  } finally {
    closeSync(fd);
  }
}

/** Undefined if we may not write to it. */
function openToErase(log: MailLog, file: LogFile): number | undefined {
  try {
    return openLogFile(file, IN_PLACE);
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM')) throw error;
    cannot(log, file, 'the file belongs to another user');
    return undefined;
  }
}

function cannot(log: MailLog, file: LogFile, why: string): false {
  log.context.logger.error({ file: file.path }, `a text that was edited or removed could not be erased: ${why}`);
  return false;
}

/** Writes the bytes that differ. */
function overwrite(fd: number, at: number, old: string, text: string): void {
  let [from, to] = [0, text.length];
  while (from < to && old[from] === text[from]) from += 1;
  while (from < to && old[to - 1] === text[to - 1]) to -= 1;
  const bytes = Buffer.from(text.slice(from, to), 'latin1');
  for (let done = 0; done < bytes.length;) {
    done += writing(() => writeSync(fd, bytes, done, bytes.length - done, at + from + done));
  }
}
