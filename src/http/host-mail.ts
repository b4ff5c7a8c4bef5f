import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { ADMINISTRATOR } from '../access/caller.ts';
import { askerOf, type Ask } from '../ownership/ask-owner.ts';
import { isMail, latestOf, linesOf, type Line } from '../ownership/mail-lines.ts';
import type { Ownership } from '../ownership/ownership.ts';
import { readAnswer } from '../ownership/request-owner.ts';
import type { Gap } from '../words/follow.ts';
import type { Logger } from '../words/logger.ts';
import { MailboxError, type MailboxErrorCode } from '../words/mailbox-error.ts';
import { isRoom, mailboxName, type MailboxName } from '../words/mailbox-name.ts';
import type { StoredMessage } from '../words/message-data.ts';
import type { MailboxStore } from '../words/mailbox-store.ts';
import { mailStream } from '../words/mail-stream.ts';
import { NewTexts } from '../words/new-texts.ts';
import { shownMail, type ShownMail } from '../words/shown-mail.ts';
import type { Mailroom } from './mailroom.ts';
import { isPassing } from './problem.ts';
import { sendMessage } from './send-message.ts';
import { sinceCursor } from './since.ts';

/** What `chat.send` takes. `to`: a person, or a room such as `room.lobby`. `key`: the same key again sends nothing twice. */
export interface MessageToSend {
  readonly from: string;
  readonly to: string;
  readonly text: string;
  readonly key?: string | undefined;
}

/** A message on disk, as `POST /messages` answers. `mailbox` and `id` identify it. `time` is ISO 8601. */
export type SentMessage = StoredMessage &
  Readonly<Record<'id' | 'mailbox' | 'receiver', string>> & { readonly state: 'sent' };

export interface MailOptions {
  /** The id of a mail: begin behind it. Also what `since=` takes in HTTP: `all`, `latest`, `10m` … */
  readonly after?: string | undefined;
  /** Ends the loop when it aborts, without an error. */
  readonly signal?: AbortSignal | undefined;
}

/** One mail, as `GET /history` shows it. `gap`: mail before this one was asked for, but is no longer kept. */
export interface ReceivedMail extends ShownMail {
  readonly gap?: Gap;
}

const ToSend = z.strictObject({ from: z.string(), to: z.string(), text: z.string(), key: z.string().optional() });
const Options = z.strictObject({
  after: z.string().min(1).optional(),
  signal: z
    .custom<AbortSignal>((value) => typeof value === 'object' && value !== null && 'aborted' in value)
    .optional(),
});
/** An owner that was killed has a successor by then. */
const AGAIN_MS = 1000;

/** Sends and receives mail for the application that the chat is part of. */
export class HostMail {
  readonly #ownership: Ownership<Mailroom>;
  readonly #logger: Logger;
  readonly #ask: Ask;
  readonly #closing = new AbortController();

  constructor(ownership: Ownership<Mailroom>, logger: Logger) {
    this.#ownership = ownership;
    this.#logger = logger;
    this.#ask = askerOf(ownership);
  }

  /** Ends every loop over mail. */
  close(): void {
    this.#closing.abort();
  }

  async send(message: MessageToSend): Promise<SentMessage> {
    const expected = 'send() takes {from, to, text, key?}, each a string.';
    const { from, to, text, key = randomUUID() } = checked(message, ToSend, 'INVALID_MESSAGE', expected);
    const fields = { sender: from, receiver: to, message: text, key };
    const room = await this.#ownership.owned();
    if (!room) return (await this.#ask.json('POST', '/messages', fields)) as SentMessage;
    return JSON.parse((await sendMessage(fields, ADMINISTRATOR, room.chat)).text) as SentMessage;
  }

  mail(name: string, options: MailOptions = {}): AsyncIterableIterator<ReceivedMail> {
    const expected = 'mail() takes a name and {after?, signal?}: the id of a mail, and an AbortSignal.';
    const { after, signal } = checked(options, Options, 'INVALID_REQUEST', expected);
    const own = new AbortController();
    const ending = AbortSignal.any([own.signal, this.#closing.signal, ...(signal ? [signal] : [])]);
    const mails = this.#mails(mailboxName(name), after, ending);
    const finish = mails.return.bind(mails);
    // On its own, a generator returns only when it has its next mail.
    const end = (): ReturnType<typeof finish> => {
      own.abort();
      return finish();
    };
    return Object.assign(mails, { return: end });
  }

  async *#mails(
    mailbox: MailboxName,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<ReceivedMail, void> {
    const isReceiver = after === undefined && !isRoom(mailbox);
    const texts = new NewTexts();
    let gap: Gap | undefined;
    for await (const line of this.#lines(mailbox, after ?? (isReceiver ? 'waiting' : 'latest'), signal)) {
      if (line.type === 'gap') gap = JSON.parse(line.data) as Gap;
      if (!isMail(line)) continue;
      if (texts.has(mailbox, line)) {
        yield { ...shownMail(mailbox, line), ...(gap && { gap }) };
        gap = undefined;
      }
      // If this fails, the next mail moves the mark past this one.
      if (isReceiver) await this.#received(mailbox, line.id, signal).catch(() => undefined);
    }
  }

  /** What comes from whichever process owns the mailboxes by then. */
  async *#lines(mailbox: MailboxName, since: string, signal: AbortSignal): AsyncGenerator<Line, void> {
    for (let cursor = since; !signal.aborted;) {
      try {
        for await (const line of await this.#linesNow(mailbox, cursor, signal)) {
          cursor = line.id ?? cursor;
          yield line;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!isPassing(error)) throw inOurWords(error);
        this.#logger.warn({ err: error, mailbox }, 'mail could not be read for the application: it is tried again');
      }
      await pause(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #linesNow(mailbox: MailboxName, since: string, signal: AbortSignal): Promise<AsyncIterable<Line>> {
    const room = await this.#ownership.owned();
    if (room) return linesHere(mailbox, since, room.chat.store, AbortSignal.any([signal, room.closing]));
    await readAnswer(await this.#ask({ ...latestOf(mailbox), signal })); // gives ids to what waits in the file
    return linesOf(mailbox, since, this.#ask, signal);
  }

  async #received(mailbox: MailboxName, id: string, signal: AbortSignal): Promise<void> {
    const room = await this.#ownership.owned();
    if (room) await room.chat.receipts.delivered(mailbox, id);
    else await this.#ask.json('POST', '/receipts', { receiver: mailbox, delivered: id }, signal);
  }
}

async function* linesHere(
  mailbox: MailboxName,
  since: string,
  store: MailboxStore,
  signal: AbortSignal,
): AsyncGenerator<Line, void> {
  const cursor = await sinceCursor(since, store, mailbox);
  yield { id: cursor, type: 'ready', data: '' };
  for await (const { gap, events } of mailStream(cursor, mailbox, store, signal)) {
    if (gap) yield { type: 'gap', data: JSON.stringify(gap) };
    for (const event of events) yield { ...event, type: event.type ?? 'message' };
  }
}

/** The owner speaks of `since`, the parameter of HTTP. */
function inOurWords(error: unknown): unknown {
  if (!(error instanceof MailboxError) || error.code !== 'INVALID_CURSOR') return error;
  const message = '"after" is not the id of a mail in this mailbox. Leave it out, or use "all".';
  return new MailboxError(error.code, message, { cause: error });
}

function checked<T>(input: unknown, shape: z.ZodType<T>, code: MailboxErrorCode, expected: string): T {
  const read = shape.safeParse(input);
  if (read.success) return read.data;
  const wrong = read.error.issues.flatMap((issue) => ('keys' in issue ? issue.keys : issue.path)).join(', ');
  throw new MailboxError(code, wrong === '' ? expected : `${expected} Check: ${wrong}.`);
}
