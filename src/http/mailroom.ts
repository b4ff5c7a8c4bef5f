import type { RequestListener } from 'node:http';
import type { Request, Response } from 'express';
import { passedCaller, setCaller } from '../access/caller.ts';
import { LocalLive } from '../words/live.ts';
import type { MailboxStore } from '../words/mailbox-store.ts';
import type { Owned } from '../ownership/ownership.ts';
import { Receipts } from './receipts.ts';
import type { Chat } from './chat.ts';
import { Correspondents } from './correspondents.ts';
import { mailroomRoutesOf } from './mailroom-routes.ts';
import { OpenStreams } from './open-streams.ts';
import { nothingAt, sendProblem } from './problem.ts';

export interface MailroomOptions extends Omit<
  Chat,
  'store' | 'live' | 'receipts' | 'correspondents' | 'streams' | 'closing'
> {
  readonly maxStreams: number;
  /** Whether somebody can lose the right to listen while their stream is open. */
  readonly rechecks: boolean;
}

/** The mailboxes with their streams and live notices, in the one process that owns them. */
export class Mailroom implements Owned {
  readonly chat: Chat;
  readonly answerPassed: RequestListener;
  readonly #closing = new AbortController();

  constructor(store: MailboxStore, { maxStreams, rechecks, ...options }: MailroomOptions) {
    const { counts, logger } = options;
    const live = store.live ?? new LocalLive();
    const streams = new OpenStreams({ max: maxStreams, rechecks, counts });
    this.chat = {
      ...options,
      store,
      live,
      receipts: new Receipts(store, live),
      correspondents: new Correspondents(store),
      streams,
      closing: this.#closing.signal,
    };
    const router = mailroomRoutesOf(this.chat);

    this.answerPassed = (req, res) => {
      try {
        setCaller(req, passedCaller(req));
        router(req as Request, res as Response, () => sendProblem(res, nothingAt(req), logger));
      } catch (error) {
        sendProblem(res, error, logger);
      }
    };
  }

  /** Says `bye` on every stream and closes the mailboxes. */
  async close(): Promise<void> {
    const { streams, live, store } = this.chat;
    this.#closing.abort();
    streams.close();
    live.close();
    await store.close();
  }
}
