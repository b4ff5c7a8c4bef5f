import type { RequestListener } from 'node:http';
import type { Request, Response } from 'express';
import { passedCaller, setCaller } from '../access/caller.ts';
import type { ChatCounts } from '../words/chat-counts.ts';
import { LocalLive, type Live } from '../words/live.ts';
import type { Logger } from '../words/logger.ts';
import type { MailboxStore } from '../words/mailbox-store.ts';
import type { Owned } from '../ownership/ownership.ts';
import { Receipts } from '../words/receipts.ts';
import { mailroomRoutesOf } from './mailroom-routes.ts';
import { OpenStreams } from './open-streams.ts';
import { nothingAt, sendProblem } from './problem.ts';
import type { RateLimit } from './rate-limit.ts';

export interface MailroomOptions {
  /** How fast messages may come … */
  readonly sends: RateLimit;
  /** … and everything else that a page asks for. */
  readonly asks: RateLimit;
  readonly counts: ChatCounts;
  readonly logger: Logger;
  readonly maxMessage: number;
  readonly maxStreams: number;
  /** Whether a right to listen can end while a stream is open. */
  readonly rechecks: boolean;
  readonly dir: string | null;
}

/** The mailboxes and all that is about them, in the one process that has them. */
export class Mailroom implements Owned {
  readonly store: MailboxStore;
  readonly streams: OpenStreams;
  /** Answers once it is known who is asking. */
  readonly answer: RequestListener;
  readonly answerPassed: RequestListener;
  readonly #live: Live;

  constructor(store: MailboxStore, { maxStreams, rechecks, ...options }: MailroomOptions) {
    const { counts, logger } = options;
    this.store = store;
    this.#live = store.live ?? new LocalLive();
    this.streams = new OpenStreams({ max: maxStreams, rechecks, counts });
    const receipts = new Receipts(store, this.#live);
    const router = mailroomRoutesOf({ ...options, store, live: this.#live, receipts, streams: this.streams });

    this.answer = (req, res) => {
      void router(req as Request, res as Response, () => sendProblem(res, nothingAt(req), logger));
    };
    this.answerPassed = (req, res) => {
      try {
        setCaller(req, passedCaller(req));
        this.answer(req, res);
      } catch (error) {
        sendProblem(res, error, logger);
      }
    };
  }

  /** Says goodbye on every stream and lets go of the mailboxes. */
  async close(): Promise<void> {
    this.streams.close();
    this.#live.close();
    await this.store.close();
  }
}
