import type { IncomingMessage } from 'node:http';
import type { Logger } from './logger.ts';
import type { MailboxStore } from './mailbox-store.ts';

declare global {
  namespace Express {
    // Where passport and others declare what they add to a request. Empty without Express.
    interface Request {}
  }
}

/** A name in `allowedHosts`: in small letters, with a port where pages come from one; IPv6 as in a URL or bare. */
export const HOST_NAME = /^(?:[\w-]+(?:\.[\w-]+)*(?::\d+)?|\[[\da-f:.]+\](?::\d+)?|[\da-f]*:[\da-f]*:[\da-f:.]*)$/;

/** The request of node:http, with what was declared for requests of Express. */
export type ChatRequest = IncomingMessage & Express.Request;

/** Tells who is asking, by the host application's own login; undefined, null or an empty name for nobody. */
export type Identify<Req extends IncomingMessage = ChatRequest> = (req: Req) => Answer<string>;

/** Tells whether a request may see every mailbox, by your application's own rule: only `true` allows it. */
export type MayInspect<Req extends IncomingMessage = ChatRequest> = (req: Req) => Answer<boolean>;

type Answer<T> = T | null | undefined | Promise<T | null | undefined>;

/**
 * An option that is left out has its default. An unknown option or a wrong value is a TypeError.
 * `Req` is the type of request that `identify` and `mayInspect` take.
 */
export interface MailboxChatOptions<Req extends IncomingMessage = ChatRequest> {
  /** The data directory; made if need be. Default `./mailboxes`. */
  readonly dir?: string;
  /** Whom the pages offer to talk to. Default henry and jjeong. */
  readonly people?: readonly string[];
  /** Longest message, in Unicode code points: 1 to 32,000. Default 4,000. */
  readonly maxMessage?: number;
  /** Where to log: pino, or anything with its four methods. Default: warnings and errors to `console.error`. */
  readonly logger?: Logger;
  /** Called when the disk failed and nothing can be accepted any more. */
  readonly onFatal?: (error: Error) => void;
  /** `open`: whoever reaches the server may do everything; `links`: only with an invitation link. Default open. */
  readonly access?: 'open' | 'links';
  /** Tells who is asking, by your application's own login, instead of `access`. */
  readonly identify?: Identify<Req>;
  /**
   * Tells who may look at the files of every mailbox, in `inspect.html`. Default: when open, programs on this computer;
   * with links or `identify`, nobody. `() => false` turns it off.
   */
  readonly mayInspect?: MayInspect<Req>;
  /**
   * Names that the chat may be called by in open mode, besides localhost; `*`: any. In every mode, also where its pages
   * come from, if a proxy does not pass on the Host header. Default none.
   */
  readonly allowedHosts?: readonly string[];
  /** Whether X-Forwarded-For, -Proto and -Prefix come from a proxy of yours. Default false. */
  readonly trustProxy?: boolean;
  /** Messages a second that one person may send; one address four times as many; of all else but sending, four times that. 0: no limit. Default 50. */
  readonly sendRate?: number;
  /** Streams that may be open at once. Default 20,000. */
  readonly maxStreams?: number;
  /** Whether the directory's group may append to mailbox files: for programs under another user. Default false. */
  readonly groupWritable?: boolean;
  /** Whether other web sites may show the pages in a frame. Default false. */
  readonly allowFraming?: boolean;
  /** How many days received mail is kept. Default 365. */
  readonly keepDays?: number;
  /** How much received mail is kept per mailbox, in bytes. Default 1 GiB. */
  readonly keepBytes?: number;
  /** Another place for the mail than files in `dir`. */
  readonly store?: MailboxStore;
}
