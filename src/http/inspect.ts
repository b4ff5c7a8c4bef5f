import { admitInspector, callerNow, callerOf } from '../access/caller.ts';
import type { Inspection } from '../words/inspector.ts';
import type { Logger } from '../words/logger.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import { mailboxName, type MailboxName } from '../words/mailbox-name.ts';
import { sendJson } from './answer.ts';
import type { Chat } from './chat.ts';
import { EventStream } from './event-stream.ts';
import { BUSY_RETRY_MS, reconnectionMs } from './open-stream.ts';
import { HEARTBEAT_MS, type OpenStreams } from './open-streams.ts';
import { header, queryOf, type Handler } from './request.ts';
import { eventStreamFormat } from './wire-format.ts';

interface Look extends Inspection {
  /** The cursors of the open streams. */
  readonly streams: readonly string[];
  /** The process that owns the mailboxes. */
  readonly pid: number;
}

/** Inspections and their streams are counted under this name, which no mailbox can have. */
const INSPECTIONS = '/inspect';
const MAX_INSPECTIONS = 10;
const MAX_CURSORS = 20;
const LOOK_MS = 250;
/** After each look it rests nine times as long as the look took: it uses at most a tenth of a processor. */
const REST_FACTOR = 9;

/**
 * `GET /inspect`: lists all mailboxes. `GET /inspect?mailbox=henry`: what its files hold now; with
 * `Accept: text/event-stream`, a `look` event whenever that has changed. Moves no mail.
 */
export function getInspection(chat: Chat): Handler {
  const { dir, streams, asks, logger } = chat;
  const { inspector } = chat.store;
  return async (req, res) => {
    admitInspector(callerOf(req));
    asks.count(callerOf(req).address, INSPECTIONS);
    if (!inspector)
      throw new MailboxError('NOT_FOUND', 'This chat does not keep its mail in files: there is nothing to look at.');

    const name = queryOf(req)['mailbox'];
    if (name === undefined) {
      const mailboxes = [...new Set([...callerOf(req).people, ...inspector.mailboxes()])];
      return sendJson(res, 200, { mailboxes, dir });
    }
    const mailbox = mailboxName(name);
    const look = (): Look => ({ ...inspector.look(mailbox), streams: cursorsOf(mailbox, streams), pid: process.pid });
    if (!header(req, 'accept')?.includes('text/event-stream')) return sendJson(res, 200, look());

    const stream = new EventStream(res, eventStreamFormat);
    if (streams.isFull(INSPECTIONS, MAX_INSPECTIONS)) return stream.bye('busy', BUSY_RETRY_MS);
    streams.add(INSPECTIONS, stream, () => callerNow(req).then(({ mayInspect }) => mayInspect, isFalse));
    stream.notify('ready', JSON.stringify({ mailbox, heartbeatMs: HEARTBEAT_MS }));
    showChanges(stream, look, logger);
  };
}

function cursorsOf(mailbox: MailboxName, streams: OpenStreams): string[] {
  const cursors = streams.of(mailbox).map(({ cursor }) => cursor);
  return cursors.filter((cursor) => cursor !== '').slice(-MAX_CURSORS); // one that is just opening has none yet
}

const isFalse = (): boolean => false;

/**
 * Looks every 250 ms: that costs the same however much mail comes, and the streams that carry mail need no hook for it.
 */
function showChanges(stream: EventStream, look: () => Look, logger: Logger): void {
  let shown = '';
  let timer: NodeJS.Timeout;
  const show = (): void => {
    const beganMs = performance.now();
    try {
      // A slow client gets the newest look, and none of those before it.
      const found = stream.isBackedUp ? shown : JSON.stringify(look());
      if (found !== shown) stream.notify('look', found);
      shown = found;
    } catch (error) {
      logger.warn({ err: error }, 'the files of a mailbox could not be looked at');
      return stream.bye('busy', reconnectionMs());
    }
    timer = setTimeout(show, Math.max(LOOK_MS, REST_FACTOR * (performance.now() - beganMs))).unref();
  };
  stream.onEnd(() => clearTimeout(timer));
  show();
}
