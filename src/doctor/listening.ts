import { EventSourceParserStream, type EventSourceMessage } from 'eventsource-parser/stream';

const MAX_EVENT = 2 ** 20;

/** An event stream, requested as browsers do. */
export class Listening {
  /** Why it ended, unless we closed it. */
  ended: string | undefined;
  encoding: string | null = null;
  readonly #closing = new AbortController();
  readonly #events: AsyncGenerator<EventSourceMessage, void>;

  constructor(url: URL, headers: Readonly<Record<string, string>>) {
    this.#events = this.#read(url, { Accept: 'text/event-stream', 'Accept-Encoding': 'gzip, deflate, br', ...headers });
  }

  /** Whether an event of this name comes in time. If not, closes the stream. */
  async hears(name: string, withinMs: number): Promise<boolean> {
    const late = setTimeout(() => this.close(), withinMs);
    try {
      for (;;) {
        const { value } = await this.#events.next();
        if (value?.event === name) return true;
        if (!value) throw new Error('it ended');
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) this.ended = reasonOf(error);
      return false;
    } finally {
      clearTimeout(late);
    }
  }

  close(): void {
    this.#closing.abort();
  }

  async *#read(url: URL, headers: Record<string, string>): AsyncGenerator<EventSourceMessage, void> {
    const response = await fetch(url, { headers, redirect: 'manual', signal: this.#closing.signal });
    const type = response.headers.get('content-type') ?? 'nothing';
    if (!type.startsWith('text/event-stream')) throw new Error(`the answer is ${response.status}, ${type}`);
    this.encoding = response.headers.get('content-encoding');
    yield* response
      .body!.pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream({ maxBufferSize: MAX_EVENT }));
  }
}

/** Why fetch failed: its error does not say, but the cause does. */
export function reasonOf(error: unknown): string {
  const { code, message } = ((error as Error).cause ?? error) as { code?: unknown; message: string };
  return typeof code === 'string' && !code.startsWith('UND') ? code : message;
}
