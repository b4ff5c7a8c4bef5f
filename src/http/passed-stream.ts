import type { IncomingMessage, ServerResponse } from 'node:http';
import { OpenStream, type ByeReason } from './open-stream.ts';
import type { WireFormat } from './wire-format.ts';

/** How long a page should wait when its stream ended with the owner. By then there is another owner. */
const LOST_RETRY_MS = 500;

/** A stream of the owner, passed on as it comes, no faster than the client reads. */
export class PassedStream extends OpenStream {
  readonly openedMs = Infinity; // the owner ends it when it is old
  readonly cursor = '';
  readonly #answer: IncomingMessage;
  /** The last bytes that were passed on. */
  #last: Buffer;

  constructor(res: ServerResponse, format: WireFormat, answer: IncomingMessage) {
    super(res, format);
    this.#answer = answer;
    this.#last = format.end;
    answer.on('data', (chunk: Buffer) => (this.#last = chunk)).on('error', () => this.bye('busy', LOST_RETRY_MS));
    answer.pipe(res);
    res.flushHeaders();
  }

  /** Does nothing: the owner sends the notices. */
  notify(): void {}

  override bye(reason: ByeReason, retryMs: number): void {
    this.#answer.unpipe(this.res).destroy();
    // Behind half an event, the client would take `bye` for a part of it.
    const isWhole = this.#last.subarray(-this.format.end.length).equals(this.format.end);
    if (isWhole) super.bye(reason, retryMs);
    else this.cut();
  }
}
