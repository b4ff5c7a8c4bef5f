/**
 * Talks to the server; knows nothing of the page.
 *
 * @typedef {{ mailbox: string, id: string, sender: string | null, receiver: string, message: string, time: string, key?: string | null,
 *   state?: 'sent' | 'delivered' | 'read', foreign?: boolean }} StoredMessage
 * @typedef {{ name: string, online?: boolean, lastSeen?: string | number | null, unread?: number,
 *   last?: Partial<StoredMessage> | null }} Person
 * @typedef {{ type?: string, id?: string, data: string }} MailEvent
 */

// Relative to this module, so that the pages work at / and under any mount, in a page and in a worker.
const ROOT = new URL('../', import.meta.url);
const ANSWER_WITHIN_MS = 10_000;

/** A request that got no usable answer. `status` 0: nobody answered. */
export class Refusal extends Error {
  /** @param {number} status @param {string} code @param {string} message @param {number} [retryAfterMs] */
  constructor(status, code, message, retryAfterMs) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  /** The same request can never succeed. */
  get isFinal() {
    return this.status >= 400 && this.status < 500 && this.status !== 408 && this.status !== 429;
  }

  get isDenied() {
    return this.status === 401 || this.status === 403;
  }
}

/** @param {string} path @param {Record<string, string | undefined>} [query] */
function address(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

/** @param {URL} url @param {RequestInit & { withinMs?: number }} [options] @returns {Promise<Response>} */
async function ask(url, { withinMs = ANSWER_WITHIN_MS, ...options } = {}) {
  const signals = [AbortSignal.timeout(withinMs), ...(options.signal ? [options.signal] : [])];
  /** @type {Response} */
  let response;
  try {
    response = await fetch(url, { cache: 'no-store', ...options, signal: AbortSignal.any(signals) });
  } catch (error) {
    throw new Refusal(0, 'NO_ANSWER', String(error));
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  const seconds = Number(response.headers.get('retry-after'));
  throw new Refusal(
    response.status,
    String(body.error ?? ''),
    String(body.message ?? ''),
    seconds > 0 ? seconds * 1000 : undefined,
  );
}

/** @param {Response} response */
async function readJson(response) {
  try {
    return await response.json();
  } catch (error) {
    throw new Refusal(0, 'NO_ANSWER', String(error)); // cut off, or a proxy's own page
  }
}

/** @param {string} path @param {object} body @param {RequestInit} [options] */
const post = (path, body, options = {}) =>
  ask(address(path), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...options,
  });

/**
 * Resolves when the message is safely stored; the same key again stores nothing twice.
 * @param {{ sender: string, receiver: string, message: string, key: string }} message @returns {Promise<StoredMessage>}
 */
export async function sendMessage(message) {
  return await readJson(await post('messages', message));
}

/**
 * A page of the conversation, oldest first. `now` is the server's clock, when it tells.
 * @param {{ receiver: string, sender?: string, person?: string, limit?: number, before?: string }} which
 * @returns {Promise<{ messages: StoredMessage[], before: string | null, cursor: string, now: number }>}
 */
export async function readHistory({ limit = 50, ...which }) {
  const response = await ask(address('history', { ...which, limit: String(limit) }));
  const page = await readJson(response);
  return { ...page, now: Date.parse(response.headers.get('date') ?? '') || Date.now() };
}

/** @param {string} receiver @returns {Promise<{ people: Person[], access?: string, dir?: string }>} */
export async function readPeople(receiver) {
  return await readJson(await ask(address('people', { receiver })));
}

/** @param {{ receiver: string, sender?: string, delivered?: string, read?: string }} receipt */
export const reportReceipt = (receipt) => post('receipts', receipt, { keepalive: true });

/** @param {{ sender: string, receiver: string }} typing */
export const reportTyping = (typing) => post('typing', typing);

/** Turns an invitation's key into a session. @param {string} key @returns {Promise<{ person: string }>} */
export async function openSession(key) {
  return await readJson(await post('session', { key }));
}

/** Where to listen for what follows the cursor. @param {{ mailbox: string, person?: string, cursor: string }} from */
export const streamAddress = ({ mailbox, person, cursor }) =>
  address('status', { receiver: mailbox, person, lastEventId: cursor });

/**
 * One long poll: answers at once when something follows the cursor, else after `waitS` seconds.
 * @param {{ mailbox: string, person?: string, cursor: string, waitS: number, signal?: AbortSignal }} from
 * @returns {Promise<{ events: MailEvent[], cursor: string, gap?: unknown }>}
 */
export async function pollMailbox({ waitS, signal, ...from }) {
  const url = streamAddress(from);
  url.searchParams.set('wait', String(waitS));
  const giveUp = new AbortController();
  const response = await ask(url, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.any([giveUp.signal, ...(signal ? [signal] : [])]),
    withinMs: waitS * 1000 + ANSWER_WITHIN_MS,
  });
  if (response.headers.get('content-type')?.includes('json')) return await readJson(response);
  giveUp.abort(); // an endless stream: never wait for its end
  return { events: [], cursor: from.cursor };
}
