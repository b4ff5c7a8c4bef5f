import { EventSource } from 'eventsource';
import { afterThisTest } from './after-this-test.ts';
import { until } from './until.ts';

/** An event, as a page gets it. */
export interface Heard {
  readonly type: string;
  readonly id: string;
  readonly data: string;
}

const ALWAYS = ['message', 'ready', 'gap', 'bye'];

export interface ListenerOptions {
  /** The cursor in the header of every request, as a browser sends it when it reconnects. */
  readonly lastEventId?: string;
  /** Events to listen for besides messages, ready, gap and bye. */
  readonly types?: readonly string[];
}

/** A real EventSource, and all events that it received, in order. */
export class Listener {
  readonly source: EventSource;
  readonly heard: Heard[] = [];
  /** How many connections it has made. */
  requests = 0;
  #next = 0;

  constructor(url: string, { lastEventId, types = [] }: ListenerOptions = {}) {
    this.source = new EventSource(url, {
      fetch: (input, init) => {
        this.requests += 1;
        const first = this.requests === 1 && lastEventId !== undefined ? { 'Last-Event-ID': lastEventId } : {};
        return fetch(input, { ...init, headers: { ...init.headers, ...first } });
      },
    });
    for (const type of [...ALWAYS, ...types]) {
      this.source.addEventListener(type, (event) => {
        this.heard.push({ type: event.type, id: event.lastEventId, data: String(event.data) });
      });
    }
    afterThisTest(() => this.close());
  }

  /** Resolves to the next event that `next` has not returned yet. */
  async next(): Promise<Heard> {
    const heard = await until(`event number ${this.#next + 1} of ${this.source.url}`, () => this.heard[this.#next]);
    this.#next += 1;
    return heard;
  }

  /** The next events, up to and including the one whose data or text is `last`. */
  async nextUpTo(last: string): Promise<Heard[]> {
    const events: Heard[] = [];
    do events.push(await this.next());
    while (events.at(-1)!.data !== last && textOf(events.at(-1)!) !== last);
    return events;
  }

  /** The texts of the next messages, up to and including `last`. Other events appear as `<type>`. */
  async textsUpTo(last: string): Promise<string[]> {
    return (await this.nextUpTo(last)).map(textOf);
  }

  close(): void {
    this.source.close();
  }
}

/** Listens, and resolves at the first event, which must be `ready`. */
export async function listen(url: string, options: ListenerOptions = {}): Promise<Listener> {
  const listener = new Listener(url, options);
  const { type } = await listener.next();
  if (type !== 'ready') throw new Error(`the stream began with ${type}`);
  return listener;
}

/** The text of a message: our messages are JSON, foreign mail is the text itself. */
export function textOf({ type, data }: Pick<Heard, 'type' | 'data'>): string {
  if (type !== 'message') return `<${type}>`;
  try {
    const { message } = JSON.parse(data) as { message?: unknown };
    return typeof message === 'string' ? message : data;
  } catch {
    return data; // not JSON: foreign mail
  }
}
