import type { IncomingMessage } from 'node:http';
import { isErrno } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { MailEvent } from '../words/mailbox-store.ts';
import type { Ask } from './ask-owner.ts';
import { readAnswer, type OwnerRequest } from './request-owner.ts';

/**
 * One line of a stream. Notices of the server have no id, but for the first, `ready`: it says where the stream begins.
 */
export interface Line {
  readonly id?: string;
  readonly type: string;
  readonly data: string;
  /** Unix ms; mail has it. */
  readonly time?: number;
}

/** Whether a line is mail, not a notice of the server. */
export function isMail(line: Line): line is Line & MailEvent {
  return line.id !== undefined && line.type !== 'ready';
}

/** A request for the newest cursor of a mailbox alone. It gives ids to what waits in the file. */
export function latestOf(who: MailboxName): Omit<OwnerRequest, 'caller'> {
  const path = `/status?receiver=${encodeURIComponent(who)}&since=latest`;
  return { method: 'GET', path, headers: { accept: 'application/json' } };
}

/** What comes on one stream of the owner. Ends with that stream, or when `signal` aborts: then ask again. */
export async function* linesOf(
  who: MailboxName,
  since: string,
  ask: Ask,
  signal: AbortSignal,
): AsyncGenerator<Line, void> {
  const path = `/status?receiver=${encodeURIComponent(who)}&since=${encodeURIComponent(since)}`;
  let answer: IncomingMessage | undefined;
  try {
    answer = await ask({ method: 'GET', path, headers: { accept: 'application/x-ndjson' }, signal });
    if (answer.statusCode !== 200) await readAnswer(answer);
    for await (const text of textsIn(answer)) {
      const line = JSON.parse(text) as Line;
      if (signal.aborted || line.type === 'bye') return;
      yield line;
    }
  } catch (error) {
    if (!signal.aborted && !isErrno(error, 'ECONNRESET')) throw error; // the owner has ended: we ask the next one
  } finally {
    answer?.destroy();
  }
}

/** The whole lines of an answer, no faster than they are taken. Only a line feed ends one: JSON may contain U+2028. */
async function* textsIn(answer: IncomingMessage): AsyncGenerator<string, void> {
  let begun = '';
  for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) {
    const [first = '', ...others] = chunk.split('\n');
    begun += first;
    for (const next of others) {
      yield begun;
      begun = next;
    }
  }
}
