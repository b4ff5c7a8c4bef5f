import type { IncomingMessage } from 'node:http';
import type { Access } from '../access/access.ts';
import { setCaller, type Caller } from '../access/caller.ts';
import type { LinkAccess } from '../access/link-access.ts';
import type { MayInspect } from '../words/chat-options.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import { Slices } from '../words/slices.ts';
import type { Ownership } from '../ownership/ownership.ts';
import { askerOf } from '../ownership/request-owner.ts';
import type { Chat } from './chat.ts';
import type { Mailroom } from './mailroom.ts';
import type { MailHandler } from './mailroom-routes.ts';
import type { OpenStreams } from './open-streams.ts';
import { passOn } from './pass-on.ts';
import type { Handler } from './request.ts';
import { addressOf } from './rate-limit.ts';

export interface FrontOptions extends Pick<Chat, 'dir' | 'counts' | 'logger'> {
  readonly access: Access;
  /** Only if people get in by invitation links. */
  readonly links: LinkAccess | undefined;
  readonly mayInspect?: MayInspect;
  readonly trustProxy: boolean;
  /** Whom the pages offer to talk to. */
  readonly people: readonly MailboxName[];
  readonly ownership: Ownership<Mailroom>;
  /** The streams of the owner that this process passes on. */
  readonly streams: OpenStreams;
}

/** Takes requests, finds out who is asking, and has the owner of the mailboxes answer. */
export class Front {
  readonly options: FrontOptions;

  constructor(options: FrontOptions) {
    this.options = options;
  }

  /** Answers a request about mail: here, or through the process that owns the mailboxes. */
  answer(handlerOf: MailHandler): Handler {
    const { ownership, streams } = this.options;
    return async (req, res) => {
      await new Slices().rest(); // a hundred requests may have come at once
      const ask = (): Promise<Caller> => this.callerOf(req);
      setCaller(req, await ask(), ask);
      const room = await ownership.owned();
      if (room) await handlerOf(room.chat)(req, res);
      else await passOn(req, res, ownership, streams);
    };
  }

  /** Rejects when mail cannot be accepted now. */
  async ready(): Promise<void> {
    const { ownership } = this.options;
    const room = await ownership.owned();
    if (room) return room.chat.store.ready();
    await askerOf(ownership)('GET', '/readyz');
  }

  /** Who is asking, and what that lets the request do. Rejects when the application cannot say. */
  async callerOf(req: IncomingMessage): Promise<Caller> {
    const { access, links, mayInspect, trustProxy, people } = this.options;
    const path = req.url?.split('?')[0];
    const inspects = mayInspect ?? ((asking) => access.mayInspect?.(asking));
    const standing = await access.standingOf(req);
    // The spreads come last: V8 gives each object with a spread before its other fields a hidden class of its own.
    return {
      mayInspect: (path === '/inspect' || path === '/session') && (await inspects(req)) === true,
      address: addressOf(req, trustProxy),
      people,
      ...((path === '/people' || path === '/names') && {
        invited: links?.people() ?? [],
        isHere: access.mayInspect?.(req) === true,
      }),
      ...standing,
    };
  }
}
