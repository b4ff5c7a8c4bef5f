/** Talks to the server. Knows nothing about the page. */
import { fetchSurely } from './connections.js';

// Relative to this module, so that it works under any mount, in a page and in a worker.
const ROOT = new URL('../', import.meta.url);
const ANSWER_WITHIN_MS = 10_000;
const BACK_OFF_S = [1, 2, 5, 10, 30];

/** How long to wait after so many failures in a row. @param {number} failures */
export const backOffMs = (failures) => (BACK_OFF_S[failures] ?? 30) * 1000 * (1 + Math.random() / 4);

/** A request without a usable answer. `status` 0: there was no answer. */
export class Refusal extends Error {
  /** @param {number} status @param {number} [retryAfterMs] @param {string} [code] the server's name for the problem */
  constructor(status, retryAfterMs, code) {
    super(`status ${status}`);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
    this.code = code;
  }

  get isFinal() {
    if (this.status === 501) return true; // mailboxes on NATS do not take everything
    return this.status >= 400 && this.status < 500 && this.status !== 408 && this.status !== 429;
  }

  get isDenied() {
    return this.status === 401 || this.status === 403;
  }
}

/** The answer; undefined if there is no usable one. @template T @param {Promise<T>} asked @returns {Promise<T | undefined>} */
export const ifAnswered = (asked) =>
  asked.catch((error) => {
    if (!(error instanceof Refusal)) throw error;
    return undefined;
  });

/** @param {string} path @param {Record<string, string | undefined>} [query] */
export function address(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

/** @param {URL} url @param {RequestInit & { waitMs?: number }} [options] @returns {Promise<Response>} */
async function ask(url, options = {}) {
  const withinMs = ANSWER_WITHIN_MS + (options.waitMs ?? 0);
  const response = await fetchSurely(url, { ...options, withinMs }).catch(unanswered);
  if (response.ok) return response;
  const problem = await response.json().catch(() => undefined); // a proxy's own page
  const retryAfterMs = Number(response.headers.get('retry-after')) * 1000 || undefined;
  throw new Refusal(response.status, retryAfterMs, problem?.error);
}

/** @returns {never} */
function unanswered() {
  throw new Refusal(0);
}

// An answer that was cut off, or a page of a proxy, is not usable either.
const readJson = (/** @type {Response} */ response) => response.json().catch(unanswered);

/** @param {string} path @param {object} body @param {AbortSignal} [signal] */
const post = (path, body, signal) =>
  ask(address(path), {
    method: 'POST',
    signal,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    keepalive: true, // sent even while the page is being closed
  });

/**
 * Resolves when the message is safely stored.
 * @param {{ sender: string, receiver: string, key: string } & Partial<StoredMessage & MessageChange>} message @param {AbortSignal} signal
 * @returns {Promise<StoredMessage | MessageChange>}
 */
export async function sendMessage(message, signal) {
  return await readJson(await post('messages', message, signal));
}

/** @param {string} mailbox @param {{ sha256?: string, name: string }} file */
export const fileAddress = (mailbox, { sha256, name }) => address(`files/${sha256}`, { mailbox, name }).href;

/**
 * A page of the conversation, oldest first. `now` is the server's clock, if the answer has it.
 * @param {Which & { limit?: number, before?: string }} which
 * @returns {Promise<{ messages: StoredMessage[], changes?: MessageChange[], before: string | null, cursor: string, lacks?: string[], now: number }>}
 */
export async function readHistory({ limit = 50, ...which }) {
  const response = await ask(address('history', { ...which, limit: String(limit) }));
  const page = await readJson(response);
  return { ...page, now: Date.parse(response.headers.get('date') ?? '') || Date.now() };
}

/** The messages of the conversation that have a text, newest first. @param {Which & { text: string, before?: string }} which @returns {Promise<{ messages: FoundMessage[], before: string | null }>} */
export async function searchMessages(which) {
  return await readJson(await ask(address('search', { ...which })));
}

/** @param {string} receiver @returns {Promise<{ people: Person[], access?: string, dir?: string }>} */
export async function readPeople(receiver) {
  return await readJson(await ask(address('people', { receiver })));
}

/** @param {{ receiver: string, sender?: string, delivered?: string, read?: string }} receipt */
export const reportReceipt = (receipt) => post('receipts', receipt);

/** @param {{ sender: string, receiver: string }} typing */
export const reportTyping = (typing) => post('typing', typing);

/** @param {string} key @returns {Promise<{ person: string }>} */
export async function openSession(key) {
  return await readJson(await post('session', { key }));
}

/** Who this browser may act as; for a person, why it may not act as them. @param {string} [person] @returns {Promise<Session>} */
export async function readSession(person) {
  return await readJson(await ask(address('session', { person })));
}

/** The mailbox that belongs to a name as it was typed. @param {string} typed @returns {Promise<{ name: string, shown: string, known: boolean }>} */
export async function readName(typed) {
  return await readJson(await ask(address('names', { name: typed })));
}

/** @param {{ mailbox: string, person?: string, others: Set<string>, cursor: string }} from */
export const streamAddress = ({ mailbox, person, others, cursor }) =>
  address('status', {
    receiver: mailbox,
    person,
    with: [...others].join(',') || undefined,
    lastEventId: cursor,
    as: 'history', // so that live mail is shown the same as after a reload
  });

/**
 * Answers at once if something follows the cursor, otherwise after `waitS` seconds.
 * @param {{ mailbox: string, person?: string, others: Set<string>, cursor: string, waitS: number, signal?: AbortSignal }} from
 * @returns {Promise<{ events: MailEvent[], cursor: string, gap?: unknown }>}
 */
export async function pollMailbox({ waitS, signal, ...from }) {
  const url = streamAddress(from);
  url.searchParams.set('wait', String(waitS));
  const response = await ask(url, {
    headers: { accept: 'application/json' },
    signal,
    waitMs: waitS * 1000,
  });
  if (response.headers.get('content-type')?.includes('json')) return await readJson(response);
  void response.body?.cancel(); // an endless stream: never wait for its end
  return { events: [], cursor: from.cursor };
}
