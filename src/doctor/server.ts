import { directoryHash } from '../words/directory-hash.ts';
import { VERSION } from '../words/version.ts';
import { ok, problem, warning, type Finding } from './finding.ts';
import { Listening, reasonOf } from './listening.ts';

type Findings = AsyncGenerator<Finding, Finding>;
/** The person as whom the doctor listens. */
type Guest = Readonly<{ name: string; headers: Readonly<Record<string, string>> }>;
/** The fields of a JSON answer, with its status and headers. */
type Answer = Readonly<Record<string, unknown> & { status: number; headers: Headers }>;

const PATIENCE_MS = 10_000;
const MAX_ANSWER = 65_536;
const EVENT_MS = 4000;
const STRANGER: Guest = { name: 'mailbox-chat-doctor', headers: {} };

const INVITE = `Run where the mailboxes are: mailbox-chat invite ${STRANGER.name}. Then add here: --key=<what follows #key=>`;
const LOGS = 'The logs of the server and of its proxy say why';
const REACH = 'Start the server. If it runs, check the name, the port, the certificate and the firewall';
const HOST =
  'Its own pages cannot send. Make the proxy pass on the Host header. nginx: proxy_set_header Host $http_host; Apache: ProxyPreserveHost On';
const HELD =
  'Turn off buffering. nginx: proxy_buffering off; no proxy_ignore_headers. Apache: flushpackets=on. Caddy: flush_interval -1';
const ZIPS = 'Exclude text/event-stream from compression in the host application and the proxy (nginx: gzip_types)';
const CUTS =
  'A heartbeat comes every 15 s: the proxy must wait longer. nginx: proxy_read_timeout 60s; Apache: ProxyTimeout 60';

/** Uses a server as its pages do, through any proxy in front of it. Yields the findings and returns the last one. */
export async function* examineServer(url: URL, dir?: string, key?: string, idleMs = 0): Findings {
  try {
    const health = await ask(new URL('healthz', url));
    const front = /^[\w-]+/.exec(health.headers.get('server') ?? '')?.[0].toLowerCase();
    if (health['name'] !== 'mailbox-chat') return notOurs(url, health, front);
    yield ok(`Mailbox Chat ${String(health['version'])} answers at ${url.href}${front ? `, through ${front}` : ''}`);
    if (health['version'] !== VERSION)
      yield warning(`This command is ${VERSION}`, 'After an upgrade, restart the server');
    if (dir !== undefined && health['directoryHash'] !== directoryHash(dir)) {
      yield warning(`${url.href} serves other mailboxes than ${dir}`, 'Name its directory: --dir <path>');
    }
    const ready = await ask(new URL('readyz', url));
    if (ready.status === 200) yield ok('The server accepts mail');
    else
      yield problem(`The server accepts no mail: ${said(ready)}`, 'Run where the mailboxes are: mailbox-chat doctor');

    const guest = await enter(url, key);
    if ('level' in guest) return guest;
    yield ok(guest === STRANGER ? 'Everybody who reaches this address gets in' : 'People get in by invitation only');
    return yield* listen(url, guest, front ?? 'Something in front of the server', idleMs);
  } catch (error) {
    if (!(error instanceof Error) || (error.name !== 'TimeoutError' && error.cause === undefined)) throw error;
    return problem(`Nothing answers at ${url.href} (${reasonOf(error)})`, REACH);
  }
}

/** Sends a GET, or with a body a POST. */
async function ask(url: URL, body?: object, headers: Guest['headers'] = {}): Promise<Answer> {
  const response = await fetch(url, {
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
    headers: { 'Content-Type': 'application/json', ...headers },
    redirect: 'manual',
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  return { ...(await objectIn(response)), status: response.status, headers: response.headers };
}

/** The JSON of an answer; {} if it is something else, or too long to be ours. */
async function objectIn({ body }: Response): Promise<object> {
  let text = '';
  for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    if (text.length > MAX_ANSWER) return {};
  }
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    return {};
  }
}

function said({ status, message }: Answer): string {
  return typeof message === 'string' ? `${status}, ${message}` : `${status}`;
}

function notOurs({ href }: URL, { status, headers }: Answer, front = 'Something'): Finding {
  const what = `${front} answers ${status} at ${href}`;
  if (status >= 500) return problem(what, 'No server runs behind it, or it has the wrong port');
  const to = headers.get('location');
  const fix = to
    ? `Use the address that it redirects to: ${to}`
    : 'If the chat is under a path, add it: https://host/chat/';
  return problem(`${what}, and is not Mailbox Chat`, fix);
}

/** Trades the key for a session as pages do. Without a key, the answer shows who gets in. */
async function enter(url: URL, key = '-'): Promise<Guest | Finding> {
  const answer = await ask(new URL('session', url), { key });
  const { error, message, person } = answer;
  if (typeof person === 'string') return { name: person, headers: { Authorization: `Bearer ${key}` } };
  const trouble = key === '-' ? 'An invitation is needed, and no key was given' : 'The server does not accept the key';
  if (error === 'UNAUTHORIZED') return problem(trouble, INVITE);
  if (error === 'FORBIDDEN') {
    const name = /called "([\w.:-]+)"/.exec(String(message))?.[1] ?? url.hostname;
    return problem(`The server refuses the name ${name}: ${said(answer)}`, `Start it with --allowed-host ${name}`);
  }
  if (error !== 'NOT_FOUND') return problem(`The server lets nobody in: ${said(answer)}`, LOGS);
  if ((await type(url, STRANGER))['error'] !== 'UNAUTHORIZED') return STRANGER;
  return warning("People get in by the application's login", 'Log in with a browser: the page says if it is connected');
}

/** Sends a typing notice, which is not stored, as browsers do on plain http: without Sec-Fetch-Site. */
function type(url: URL, { name, headers }: Guest): Promise<Answer> {
  return ask(new URL('typing', url), { sender: name, receiver: name }, { ...headers, Origin: url.origin });
}

async function* listen(url: URL, guest: Guest, front: string, idleMs: number): Findings {
  // since=latest moves no mark, whoever the guest is.
  const path = `status?receiver=${encodeURIComponent(guest.name)}&since=latest`;
  const stream = new Listening(new URL(path, url), guest.headers);
  try {
    const startedMs = performance.now();
    if (!(await stream.hears('ready', EVENT_MS))) return doesNotBegin(stream, front);
    yield ok(`The stream begins after ${msSince(startedMs)} ms`);
    const sentMs = performance.now();
    const answer = await type(url, guest);
    if (answer['error'] === 'FORBIDDEN')
      return problem(`The proxy does not tell the server the name ${url.host}`, HOST);
    if (answer.status !== 204) return problem(`The server refuses what pages send: ${said(answer)}`, LOGS);
    yield ok('Pages at this address may send');
    const isHeard = await stream.hears('typing', EVENT_MS);
    if (!isHeard) return problem(`What is sent does not arrive: ${stream.ended ?? 'it is held back'}`, HELD);
    const arrives = ok(`A typing notice, which is not stored, arrives after ${msSince(sentMs)} ms`);
    if (idleMs === 0) return arrives;
    yield arrives;
    return await stayQuiet(stream, idleMs);
  } finally {
    stream.close();
  }
}

function doesNotBegin({ encoding, ended }: Listening, front: string): Finding {
  if (ended !== undefined) return problem(`The stream does not begin: ${ended}`, LOGS);
  if (encoding !== null) return problem(`The stream is held back: it is compressed (${encoding})`, ZIPS);
  return problem(`The stream is held back: nothing came in ${EVENT_MS / 1000} s. ${front} buffers it`, HELD);
}

/** Waits for two heartbeats: a quiet stream is never silent for longer than from one to the next. */
async function stayQuiet(stream: Listening, idleMs: number): Promise<Finding> {
  const sinceMs = performance.now();
  const isAlive = await stream.hears('ping', idleMs);
  if (isAlive) await stream.hears('ping', idleMs - msSince(sinceMs));
  const seconds = Math.round(msSince(sinceMs) / 1000);
  if (stream.ended) return problem(`The stream was cut after ${seconds} s without a message (${stream.ended})`, CUTS);
  if (!isAlive && seconds > 18) return problem(`No heartbeat came in ${seconds} s`, HELD);
  return ok(`The stream stays open while it is quiet (${seconds} s)`);
}

function msSince(startedMs: number): number {
  return Math.round(performance.now() - startedMs);
}
