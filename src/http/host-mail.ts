import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { askerOf, type Ask } from '../ownership/request-owner.ts';
import { mailSince, nextMailOf } from '../ownership/next-mail.ts';
import type { Ownership } from '../ownership/ownership.ts';
import type { Changed } from '../words/changes.ts';
import type { Gap } from '../words/follow.ts';
import type { Logger } from '../words/logger.ts';
import { MailboxError, type MailboxErrorCode } from '../words/mailbox-error.ts';
import { isRoom, mailboxName, type MailboxName } from '../words/mailbox-name.ts';
import type { StoredMessage } from '../words/message-data.ts';
import { NewestTexts } from '../words/newest-texts.ts';
import type { ShownMail } from '../words/shown-mail.ts';
import { isPassing } from './problem.ts';

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

/** One mail, as `GET /history` shows it, without reactions. `gap`: mail before this one was asked for, but is no longer kept. */
export interface ReceivedMail extends ShownMail, Pick<Changed, 'edited'> {
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
  readonly #logger: Logger;
  readonly #ask: Ask;
  readonly #closing = new AbortController();

  constructor(ownership: Ownership, logger: Logger) {
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
    return (await this.#ask('POST', '/messages', fields)) as SentMessage;
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
    let cursor = after ?? (isReceiver ? 'waiting' : 'latest');
    let gap: Gap | undefined;
    while (!signal.aborted) {
      try {
        const next = nextMailOf(mailbox, this.#ask, signal);
        for await (const batch of mailSince(cursor, next)) {
          gap = batch.gap ?? gap;
          const texts = new NewestTexts(mailbox, batch.events, next);
          for (const event of batch.events) {
            const message = await texts.messageIn(event);
            if (message) yield { ...message, ...(gap && { gap }) };
            if (message) gap = undefined;
            cursor = event.id;
            // If this fails, the next mail moves the mark past this one.
            const receipt = { receiver: mailbox, delivered: event.id };
            if (isReceiver) await this.#ask('POST', '/receipts', receipt, signal).catch(() => undefined);
          }
          cursor = batch.cursor;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!isPassing(error)) throw inOurWords(error);
        this.#logger.warn({ err: error, mailbox }, 'mail could not be read for the application: it is tried again');
        await pause(AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
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
