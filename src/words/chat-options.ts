import type { IncomingMessage } from 'node:http';
import type { Logger } from './logger.ts';
import type { MailboxStore } from './mailbox-store.ts';

declare global {
  namespace Express {
    // Passport and others declare here what they add to a request. It is empty without Express.
    interface Request {}
  }
}

/** A name in `allowedHosts`: in lower case, with a port if there is one; IPv6 bare or as in a URL. */
export const HOST_NAME = /^(?:[\w-]+(?:\.[\w-]+)*(?::\d+)?|\[[\da-f:.]+\](?::\d+)?|[\da-f]*:[\da-f]*:[\da-f:.]*)$/;

/** A request of node:http, with the properties that were declared for Express requests. */
export type ChatRequest = IncomingMessage & Express.Request;

/** Tells who is asking, by your application's own login: a name, or undefined, null or '' for nobody. */
export type Identify<Req extends IncomingMessage = ChatRequest> = (req: Req) => Answer<string>;

/** Tells whether a request may see every mailbox, by your application's own rule. Only `true` allows it. */
export type MayInspect<Req extends IncomingMessage = ChatRequest> = (req: Req) => Answer<boolean>;

type Answer<T> = T | null | undefined | Promise<T | null | undefined>;

/**
 * The options of `mailboxChat`. An unknown option or a wrong value is a TypeError. `Req` is the type of request that
 * `identify` and `mayInspect` take.
 */
export interface MailboxChatOptions<Req extends IncomingMessage = ChatRequest> {
  /** The data directory. Made if it does not exist. Default `./mailboxes`. */
  readonly dir?: string;
  /** The people that the pages offer to talk to. Default henry and jjeong. */
  readonly people?: readonly string[];
  /** Longest message, in Unicode code points: 1 to 32,000. Default 4,000. */
  readonly maxMessage?: number;
  /** Where to log: pino, or anything with its four methods. Default: warnings and errors to `console.error`. */
  readonly logger?: Logger;
  /** Called if the disk fails, after which nothing can be accepted any more. */
  readonly onFatal?: (error: Error) => void;
  /** `open`: everyone who reaches the server may do everything. `links`: only with an invitation link. Default open. */
  readonly access?: 'open' | 'links';
  /** Tells who is asking, by your application's own login, instead of `access`. */
  readonly identify?: Identify<Req>;
  /**
   * Tells who may see the files of every mailbox, in `inspect.html`. Default: with open access, programs on this computer;
   * with links or `identify`, nobody. `() => false` turns it off.
   */
  readonly mayInspect?: MayInspect<Req>;
  /**
   * Host names under which the chat may be reached with open access, besides localhost; `*`: any. With any access, also the
   * hosts that its pages come from, if a proxy does not pass on the Host header. Default none.
   */
  readonly allowedHosts?: readonly string[];
  /** Whether to trust X-Forwarded-For, -Proto and -Prefix, since a proxy of yours sets them. Default false. */
  readonly trustProxy?: boolean;
  /**
   * How many messages a person may send in a second. One address may send four times as many, and make four times as many
   * other requests. 0: no limit. Default 50.
   */
  readonly sendRate?: number;
  /** How many streams may be open at once. Default 20,000. */
  readonly maxStreams?: number;
  /** Whether the directory's group may append to mailbox files, for programs of another user. Default false. */
  readonly groupWritable?: boolean;
  /** Whether other web sites may show the pages in a frame. Default false. */
  readonly allowFraming?: boolean;
  /** For how many days received mail is kept. Default 365. */
  readonly keepDays?: number;
  /** How much received mail is kept per mailbox, in bytes. Default 1 GiB. */
  readonly keepBytes?: number;
  /** Keeps the mail somewhere else than in files in `dir`. */
  readonly store?: MailboxStore;
}
