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
  /** The server that has the mailboxes. */
  readonly pid: number;
}

/** Inspections, and their streams, are counted under this, which is the name of no mailbox. */
const INSPECTIONS = '/inspect';
const MAX_INSPECTIONS = 10;
const MAX_CURSORS = 20;
const LOOK_MS = 250;
/** Looking rests so many times as long as it took: it never takes more than a tenth of a processor. */
const RESTS = 9;

/**
 * `GET /inspect`: which mailboxes there are. `GET /inspect?mailbox=henry`: what stands in its files now; with
 * `Accept: text/event-stream`, a `look` event whenever that has changed. Moves no mail.
 */
export function getInspection(chat: Chat): Handler {
  const { dir, streams, asks, logger } = chat;
  const { inspector } = chat.store;
  return async (req, res) => {
    admitInspector(callerOf(req));
    asks.count(callerOf(req).address, INSPECTIONS);
    if (!inspector) throw new MailboxError('NOT_FOUND', 'This chat keeps its mail elsewhere than in files.');

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

/** By looking now and then: it costs the same whatever happens, and the streams that bring mail know nothing of it. */
function showChanges(stream: EventStream, look: () => Look, logger: Logger): void {
  let shown = '';
  let timer: NodeJS.Timeout;
  const show = (): void => {
    const beganMs = performance.now();
    try {
      // Who is slow gets what there is then, not what there was meanwhile.
      const found = stream.isBackedUp ? shown : JSON.stringify(look());
      if (found !== shown) stream.notify('look', found);
      shown = found;
    } catch (error) {
      logger.warn({ err: error }, 'the files of a mailbox could not be looked at');
      return stream.bye('busy', reconnectionMs());
    }
    timer = setTimeout(show, Math.max(LOOK_MS, RESTS * (performance.now() - beganMs))).unref();
  };
  stream.onEnd(() => clearTimeout(timer));
  show();
}
