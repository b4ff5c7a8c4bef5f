import { directoryHash } from '../directory-hash.ts';
import { VERSION } from '../version.ts';
import { ask, OpenedStream, type Answer, type Question } from './ask.ts';
import { ok, problem, warning, type Finding } from './finding.ts';
import { Visitor } from './visitor.ts';

export interface ServerOptions {
  /** Where people reach the chat, with a slash at the end. */
  readonly url: URL;
  /** The data directory at hand, if there is one. */
  readonly dir: string | undefined;
  /** An invitation's key. */
  readonly key: string | undefined;
  /** How long the stream is watched while nothing is said, in ms. 0: not at all. */
  readonly idleMs: number;
  /** Ends the examination, which tidies up and rejects. */
  readonly signal: AbortSignal;
  readonly report: (finding: Finding) => void;
}

const FIRST_EVENT_MS = 4000;
const MESSAGE_MS = 5000;
const SLOW_MS = 1000;
const HEARTBEAT_LATE_MS = 3000;
/** Who cannot be forgotten from here, because the directory is elsewhere. */
const REMOTE_NAME = 'mailbox-chat-doctor';
/** As browsers ask. */
const ENCODINGS = { 'Accept-Encoding': 'gzip, deflate, br' };

/** Looks at a running server as its pages do, through whatever stands before it. What it finds is reported one by one. */
export async function examineServer(options: ServerOptions): Promise<void> {
  const health = await reach(options);
  if (!health) return;
  const dir = isServing(options.dir, health) ? options.dir : undefined;
  if (options.dir !== undefined && dir === undefined) {
    options.report(
      warning(`${options.url.href} serves other mailboxes than ${options.dir}`, 'Say which: --dir <path>'),
    );
  }
  const visitor = dir === undefined ? undefined : new Visitor(dir);
  try {
    await new Visit(options, visitor, nameOf(health)).run();
  } finally {
    await visitor?.leave();
  }
}

/** The answer to /healthz, if it is Mailbox Chat that gives it. */
async function reach({ url, report, signal }: ServerOptions): Promise<Answer | undefined> {
  let health: Answer;
  try {
    health = await ask(new URL('healthz', url), {}, signal);
  } catch (error) {
    signal.throwIfAborted();
    report(notReached(url, error));
    return undefined;
  }
  const { status, json, tookMs } = health;
  if (json['name'] !== 'mailbox-chat') {
    report(notOurs(url, health));
    return undefined;
  }
  const version = String(json['version']);
  report(ok(`Mailbox Chat ${version} answers at ${url.href} in ${tookMs.toFixed(0)} ms${through(health)}`));
  if (version !== VERSION) {
    report(warning(`The server runs version ${version}, this is ${VERSION}`, 'Restart it after an upgrade.'));
  }
  const ready = await ask(new URL('readyz', url), {}, signal);
  if (ready.status === 200 && status === 200) report(ok('The server takes mail'));
  else report(problem(`The server takes no mail: ${said(ready)}`, 'Its log says more.'));
  return health;
}

function isServing(dir: string | undefined, { json }: Answer): boolean {
  return dir !== undefined && json['directoryHash'] === directoryHash(dir);
}

function nameOf({ headers }: Answer): string {
  return /^[\w-]+/.exec(String(headers['server'] ?? ''))?.[0]?.toLowerCase() ?? '';
}

function through(health: Answer): string {
  const name = nameOf(health);
  return name === '' ? '' : `, through ${name}`;
}

function said({ status, json }: Answer): string {
  return `${status}${typeof json['message'] === 'string' ? `, ${json['message']}` : ''}`;
}

function notReached(url: URL, error: unknown): Finding {
  const { code, message } = Object(error) as { code?: string; message?: string };
  const what = `Nothing answers at ${url.href} (${code ?? message})`;
  if (code === 'ECONNREFUSED') return problem(what, 'Start the server, or name the port it listens on.');
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return problem(what, 'No such name: look at the DNS entry.');
  if (/CERT|SELF_SIGNED|SSL|TLS/.test(code ?? '')) {
    return problem(
      `${url.href} has a certificate that is not trusted (${code})`,
      'Browsers refuse it, too. Is it your own authority? NODE_EXTRA_CA_CERTS=<file>',
    );
  }
  return problem(what, 'Is the address right, and does a firewall let it through?');
}

function notOurs(url: URL, health: Answer): Finding {
  const { status } = health;
  const name = nameOf(health) || 'something else';
  if ([502, 503, 504].includes(status)) {
    return problem(`${name} answers ${status} at ${url.href}`, 'Behind it no server runs, or it names another port.');
  }
  if (status >= 300 && status < 400) {
    return problem(`${url.href} leads elsewhere: ${health.headers.location}`, 'Give the address it leads to.');
  }
  return problem(
    `What answers at ${url.href} is not Mailbox Chat (${name}, ${status})`,
    'Under a path? Give it: https://host/chat/',
  );
}

/** Whoever looks at the server from inside. */
interface Guest {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
}

class Visit {
  readonly #options: ServerOptions;
  readonly #visitor: Visitor | undefined;
  /** What the Server header names, or nothing. */
  readonly #front: string;

  constructor(options: ServerOptions, visitor: Visitor | undefined, front: string) {
    this.#options = options;
    this.#visitor = visitor;
    this.#front = front;
  }

  async run(): Promise<void> {
    const guest = await this.#enter();
    if (!guest) return;
    await this.#askAsBrowser(guest);
    const stream = await this.#open(guest);
    if (!stream) return;
    try {
      if (await this.#hear(stream, guest)) await this.#wait(stream);
    } finally {
      stream.close();
    }
  }

  #url(path: string): URL {
    return new URL(path, this.#options.url);
  }

  #ask(path: string, question: Question = {}): Promise<Answer> {
    return ask(this.#url(path), question, this.#options.signal);
  }

  // Getting in

  async #enter(): Promise<Guest | undefined> {
    const { report, key } = this.#options;
    const name = this.#visitor?.name ?? REMOTE_NAME;
    const first = await this.#ask(`history?receiver=${name}&sender=${name}&limit=1`);
    if (first.status === 200) {
      report(ok('Whoever reaches this address gets in: no invitation is needed'));
      return { name, headers: {} };
    }
    if (first.status === 401 && first.json['error'] === 'UNAUTHORIZED') return this.#enterByKey(key);
    if (first.json['error'] === 'FORBIDDEN') {
      const name = /called "([^"]+)"/.exec(String(first.json['message']))?.[1] ?? this.#options.url.hostname;
      report(problem(`The server refuses the name ${name}: ${said(first)}`, `Start it with --allowed-host ${name}`));
    } else if (first.status === 401) {
      report(
        problem('What stands before the server asks for a login of its own (401)', 'Let the chat do that: links.'),
      );
    } else {
      report(problem(`The server does not answer as it should: ${said(first)}`, 'Its log says more.'));
    }
    return undefined;
  }

  async #enterByKey(given: string | undefined): Promise<Guest | undefined> {
    const { report } = this.#options;
    if ((await this.#trade('-')).status === 404) {
      report(
        warning(
          "The chat lets people in by the application's own login: streams were not looked at",
          'Look at them from a page.',
        ),
      );
      return undefined;
    }
    const invited = given === undefined ? this.#visitor?.invite() : undefined;
    const key = given ?? invited;
    if (key === undefined) {
      report(
        problem(
          'The chat lets people in by invitation only, and there is no key',
          `Make one there: mailbox-chat invite ${REMOTE_NAME}. Then: doctor --key=<what stands behind #key=>`,
        ),
      );
      return undefined;
    }
    const { status, json } = await this.#trade(key);
    if (status !== 200) {
      report(problem(`The key is not accepted (${status})`, `Make another: mailbox-chat invite ${REMOTE_NAME}`));
      return undefined;
    }
    report(ok('People get in by invitation only'));
    return { name: String(json['person']), headers: { Authorization: `Bearer ${key}` } };
  }

  #trade(key: string): Promise<Answer> {
    return this.#ask('session', { method: 'POST', body: { key } });
  }

  // Asking as a page does

  /** Without Sec-Fetch-Site, as on plain http and in old browsers: then Origin and Host must be the same. */
  async #askAsBrowser({ name, headers }: Guest): Promise<void> {
    const { url, report } = this.#options;
    const body = { sender: name, receiver: name };
    const answer = await this.#ask('typing', { method: 'POST', headers: { ...headers, Origin: url.origin }, body });
    if (answer.status === 204) return report(ok('Pages at this address may send'));
    if (answer.json['error'] !== 'FORBIDDEN') {
      return report(problem(`What pages send is refused: ${said(answer)}`, 'The message says why.'));
    }
    report(
      problem(
        `The server is not told the name ${url.host}, takes its pages for another site and refuses what they send`,
        `The proxy must pass the Host header on: ${HOST_SETTINGS[this.#front] ?? HOST_SETTINGS['']}`,
      ),
    );
  }

  // The stream

  async #open(guest: Guest): Promise<OpenedStream | undefined> {
    const { signal, report } = this.#options;
    const stream = this.#stream(guest, ENCODINGS);
    const isReady = await stream.until(() => stream.has('ready'), FIRST_EVENT_MS, signal);
    const encoding = stream.headers['content-encoding'];
    if (isReady) {
      report(firstEvent(stream));
      if (encoding !== undefined) report(warning(`The stream is compressed (${encoding})`, this.#dontCompress(stream)));
      return stream;
    }
    stream.close();
    if (stream.status !== undefined && !isEventStream(stream)) report(notAStream(stream));
    else if (stream.ended) report(problem(`The stream ended before its first event: ${stream.ended.how}`, ENDED));
    else if (encoding !== undefined || (await this.#comesPlain(guest))) {
      report(problem(`The stream is held back: it is compressed (${encoding ?? 'gzip'})`, this.#dontCompress(stream)));
    } else {
      const waited = `nothing came in ${FIRST_EVENT_MS / 1000} s`;
      const who = this.#front === '' ? 'Something before the server' : this.#front;
      const fix = BUFFER_SETTINGS[this.#front] ?? BUFFER_SETTINGS[''];
      report(problem(`The stream is held back: ${waited}. ${who} buffers it`, fix!));
    }
    return undefined;
  }

  /** `since=latest`: no mark moves, whoever the guest is. */
  #stream({ name, headers }: Guest, more: Readonly<Record<string, string>>): OpenedStream {
    return new OpenedStream(this.#url(`status?receiver=${encodeURIComponent(name)}&since=latest`), {
      ...headers,
      ...more,
    });
  }

  async #comesPlain(guest: Guest): Promise<boolean> {
    const stream = this.#stream(guest, { 'Accept-Encoding': 'identity' });
    try {
      return await stream.until(() => stream.has('ready'), FIRST_EVENT_MS / 2, this.#options.signal);
    } finally {
      stream.close();
    }
  }

  #dontCompress({ headers }: OpenedStream): string {
    if (this.#front === 'nginx') return 'nginx: leave text/event-stream out of gzip_types';
    const stripped = /no-transform/.test(headers['cache-control'] ?? '')
      ? ''
      : ' and leave Cache-Control: no-transform in place';
    return `Compression in the host application or a proxy: its filter must leave text/event-stream out${stripped}`;
  }

  /** A message to the visitor, who is forgotten later; where that is not possible, a notice that is kept nowhere. */
  async #hear(stream: OpenedStream, { name, headers }: Guest): Promise<boolean> {
    const { report, signal } = this.#options;
    const isOwn = this.#visitor?.name === name;
    const what = isOwn ? 'A message' : 'A typing notice (a message could not be removed from here)';
    const sentMs = performance.now();
    const answer = isOwn
      ? await this.#ask('messages', { method: 'POST', headers, body: { sender: name, receiver: name, message: 'hi' } })
      : await this.#ask('typing', { method: 'POST', headers, body: { sender: name, receiver: name } });
    if (answer.status >= 300) {
      report(problem(`${what} is not accepted: ${said(answer)}`, 'The message says why.'));
      return false;
    }
    const arrived = (): number | undefined =>
      stream.events.find(({ id, event, atMs }) =>
        isOwn ? id === answer.json['id'] : event === 'typing' && atMs >= sentMs,
      )?.atMs;
    if (!(await stream.until(() => arrived() !== undefined, MESSAGE_MS, signal))) {
      const fix = BUFFER_SETTINGS[this.#front] ?? BUFFER_SETTINGS[''];
      report(problem(`${what} does not come on the stream within ${MESSAGE_MS / 1000} s: it is held back`, fix!));
      return false;
    }
    const ms = arrived()! - sentMs;
    const took = `${what} arrives after ${ms.toFixed(0)} ms`;
    report(ms < SLOW_MS ? ok(took) : warning(took, 'Look at the load of the server, and at what stands before it.'));
    if (!isOwn && name === REMOTE_NAME) {
      report(ok(`An empty mailbox ${name} remains there; to remove it: mailbox-chat forget ${name}`));
    }
    return true;
  }

  /** Until a heartbeat has come after a whole pause, or the time is over. */
  async #wait(stream: OpenedStream): Promise<void> {
    const { idleMs, signal, report } = this.#options;
    if (idleMs === 0) return;
    const sinceMs = performance.now();
    const everyMs = heartbeatOf(stream);
    const pings = (): number[] =>
      stream.events.filter(({ event, atMs }) => event === 'ping' && atMs > sinceMs).map(({ atMs }) => atMs);
    const longest = (): number => Math.max(0, ...[sinceMs, ...pings()].map((at, i, all) => (all[i + 1] ?? at) - at));
    await stream.until(() => longest() > 0.9 * everyMs, idleMs, signal);

    const { ended } = stream;
    const lasted = Math.round(((ended?.atMs ?? performance.now()) - sinceMs) / 1000);
    if (stream.has('bye')) report(warning('The server ended the stream meanwhile', 'Is it being restarted?'));
    else if (ended) {
      const fix = IDLE_SETTINGS[this.#front] ?? IDLE_SETTINGS[''];
      report(problem(`The stream was cut after ${lasted} s in which nothing was said (${ended.how})`, fix!));
    } else if (pings().length === 0 && performance.now() - sinceMs > everyMs + HEARTBEAT_LATE_MS) {
      report(problem(`No heartbeat came in ${lasted} s`, BUFFER_SETTINGS[this.#front] ?? BUFFER_SETTINGS['']!));
    } else report(ok(`The stream stays open while nothing is said (${lasted} s)`));
  }
}

function firstEvent(stream: OpenedStream): Finding {
  const ms = stream.events[0]!.atMs - stream.openedMs;
  const what = `The stream begins after ${ms.toFixed(0)} ms`;
  return ms < SLOW_MS ? ok(what) : warning(what, 'Look at the load of the server, and at what stands before it.');
}

function isEventStream({ status, headers }: OpenedStream): boolean {
  return status === 200 && (headers['content-type'] ?? '').startsWith('text/event-stream');
}

function notAStream({ status, headers }: OpenedStream): Finding {
  const what = `Instead of the stream comes ${status}, ${headers['content-type'] ?? 'without a content type'}`;
  return problem(what, 'Look at the log of what stands before the server.');
}

function heartbeatOf(stream: OpenedStream): number {
  const ready = stream.events.find(({ event }) => event === 'ready');
  const { heartbeatMs } = JSON.parse(ready!.data) as { heartbeatMs: number };
  return heartbeatMs;
}

const ENDED = 'Look at the log of what stands before the server.';

type Settings = Readonly<Record<string, string>>;

const HOST_SETTINGS: Settings = {
  nginx: 'nginx: proxy_set_header Host $http_host;',
  apache: 'Apache: ProxyPreserveHost On',
  '': 'nginx: proxy_set_header Host $http_host; Apache: ProxyPreserveHost On',
};

const BUFFER_SETTINGS: Settings = {
  nginx: 'nginx: proxy_buffering off; and no proxy_ignore_headers X-Accel-Buffering;',
  apache: 'Apache: ProxyPass … flushpackets=on',
  caddy: 'Caddy: flush_interval -1',
  '': 'Switch buffering of responses off there (nginx: proxy_buffering off; Apache: flushpackets=on), and compression',
};

const IDLE_SETTINGS: Settings = {
  nginx: 'nginx: proxy_read_timeout 60s; (a heartbeat comes every 15 s)',
  apache: 'Apache: ProxyTimeout 60 (a heartbeat comes every 15 s)',
  '': 'Its time limit for quiet connections must be longer than 15 s, after which a heartbeat comes; 60 s is usual.',
};
