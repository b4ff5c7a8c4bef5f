import { Counter, Gauge, Histogram, Registry, type Aggregator, type Metric } from 'prom-client';
import { PROBLEM_CODES } from '../http/problem.ts';
import type { MailboxStore, StoreFigures } from '../mailbox-store.ts';
import { VERSION } from '../version.ts';
import type { ChatCounts } from '../chat-counts.ts';
import type { Durations } from '../durations.ts';

export interface Counted {
  readonly counts: ChatCounts;
  readonly openStreams: () => number;
  readonly store: MailboxStore;
}

/** A registry of its own for one chat. It keeps no numbers: each scrape takes them from where they are counted. */
export function registryOf({ counts, openStreams, store }: Counted): Registry {
  const figures = store.figures && (() => store.figures!);
  const registry = new Registry();
  for (const metric of [...metricsOfChat(counts, openStreams, figures), ...(figures ? metricsOfStore(figures) : [])]) {
    registry.registerMetric(metric);
  }
  return registry;
}

type Figures = () => StoreFigures;

function metricsOfChat(counts: ChatCounts, openStreams: () => number, figures: Figures | undefined): Metric[] {
  return [
    gauge({
      name: 'mailbox_chat_build_info',
      help: 'Always 1; the label tells the version.',
      label: 'version',
      together: 'first',
      read: () => ({ [VERSION]: 1 }),
    }),
    counter({
      name: 'mailbox_chat_messages_appended_total',
      help: 'New messages: accepted over HTTP, or found in a mailbox file where another program wrote them.',
      label: 'source',
      read: () => ({ http: counts.appends.count, ...(figures && { file: figures().foundInFiles }) }),
    }),
    durations({
      name: 'mailbox_chat_append_duration_seconds',
      help: 'From when a message sent over HTTP was given to the store until it was on disk.',
      counted: counts.appends,
    }),
    counter({
      name: 'mailbox_chat_events_sent_total',
      help: 'Events of mail sent, one for each stream or poll that each was sent on.',
      read: () => counts.eventsSent,
    }),
    durations({
      name: 'mailbox_chat_delivery_duration_seconds',
      help: 'From when a message was accepted until it was sent, for each stream that was open by then.',
      counted: counts.deliveries,
    }),
    gauge({
      name: 'mailbox_chat_open_streams',
      help: 'Streams that are open now.',
      read: openStreams,
    }),
    counter({
      name: 'mailbox_chat_resumes_total',
      help: 'Streams begun with a cursor: all that follows it was kept (hit), or something is missing (gap).',
      label: 'result',
      read: () => counts.resumes,
    }),
    counter({
      name: 'mailbox_chat_slow_readers_closed_total',
      help: 'Streams closed because their reader had taken nothing for 40 seconds.',
      read: () => counts.slowReadersClosed,
    }),
    counter({
      name: 'mailbox_chat_request_errors_total',
      help: 'Requests, streams included, that ended in an error, by its code.',
      label: 'code',
      read: () => Object.fromEntries(PROBLEM_CODES.map((code) => [code, counts.errors.get(code) ?? 0])),
    }),
  ];
}

function metricsOfStore(figures: Figures): Metric[] {
  return [
    counter({
      name: 'mailbox_chat_watch_errors_total',
      help: 'Errors of the file watcher: while it fails, mail written by other programs may take a second longer.',
      read: () => figures().watchErrors,
    }),
  ];
}

interface Description {
  readonly name: string;
  readonly help: string;
}

/** Where the numbers are: one, or one for each value of the label. A label is never a person's name. */
interface Numbers extends Description {
  readonly label?: string;
  /** What several processes on one directory make of it together. Default: the sum. */
  readonly together?: Aggregator;
  readonly read: () => Value | Promise<Value>;
}

type Value = number | Readonly<Record<string, number>>;

function counter({ label, read, ...description }: Numbers): Metric {
  return new Counter({
    ...description,
    labelNames: label === undefined ? [] : [label],
    registers: [],
    async collect() {
      const value = await read();
      this.reset();
      for (const [labels, number] of samples(value, label)) this.inc(labels, number);
    },
  });
}

function gauge({ label, together = 'sum', read, ...description }: Numbers): Metric {
  return new Gauge({
    ...description,
    aggregator: together,
    labelNames: label === undefined ? [] : [label],
    registers: [],
    async collect() {
      const value = await read();
      for (const [labels, number] of samples(value, label)) this.set(labels, number);
    },
  });
}

function samples(value: Value, label = ''): [labels: Record<string, string>, number][] {
  if (typeof value === 'number') return [[{}, value]];
  return Object.entries(value).map(([name, number]) => [{ [label]: name }, number]);
}

interface DurationNumbers extends Description {
  readonly counted: Durations;
}

function durations(numbers: DurationNumbers): Metric {
  return new CountedDurations(numbers);
}

type HistogramNumbers = ReturnType<Histogram['get']>;

/** A histogram whose numbers are counted elsewhere, where it costs less and needs no prom-client. */
class CountedDurations extends Histogram {
  readonly #numbers: DurationNumbers;

  constructor(numbers: DurationNumbers) {
    super({ name: numbers.name, help: numbers.help, registers: [] });
    this.#numbers = numbers;
  }

  override get(): HistogramNumbers {
    const { name, help, counted } = this.#numbers;
    const values = [
      ...counted.buckets.map(({ le, count }) => ({ metricName: `${name}_bucket`, labels: { le }, value: count })),
      { metricName: `${name}_sum`, labels: {}, value: counted.sum },
      { metricName: `${name}_count`, labels: {}, value: counted.count },
    ];
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values }) as unknown as HistogramNumbers;
  }

  /** What the registry calls instead when it makes the text. */
  getForPromString(): HistogramNumbers {
    return this.get();
  }
}
