/**
 * Requests over connections that may be dead. After a sleep or a change of network, a browser still holds the connections
 * it had, and a request over one of them waits for a minute or more.
 */

const CONNECTIONS = 6; // as many as a browser opens to one host over HTTP/1.1
const DOUBT_AFTER_MS = 2000;
const PROBE_MS = 2000;
const STRAGGLERS_MS = 800;
const PROBE = new URL('../healthz', import.meta.url);

/** @type {Promise<boolean> | undefined} */
let checking;
/** @type {Set<() => void>} */
const listeners = new Set();

/** Calls back whenever connections were found dead: others may be dead too. @param {() => void} listener */
export function onDeadConnections(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Whether the server answers. Asks over as many connections as the browser may hold. Those that stay silent are closed
 * together with their request.
 */
export function checkConnections() {
  // If all are dead, the second round uses new ones.
  checking ??= probe()
    .then((isAnswered) => isAnswered || probe())
    .finally(() => (checking = undefined));
  return checking;
}

async function probe() {
  const round = new AbortController();
  let open = CONNECTIONS;
  const ask = async () => {
    const response = await fetch(PROBE, { cache: 'no-store', signal: round.signal });
    await response.text();
    open -= 1;
  };
  const probes = Array.from({ length: CONNECTIONS }, ask);
  const first = Promise.any(probes).then(
    () => true,
    () => false,
  );
  const isAnswered = await within(PROBE_MS, first);
  if (isAnswered) await within(STRAGGLERS_MS, Promise.allSettled(probes));
  round.abort();
  if (isAnswered && open > 0) for (const listener of listeners) listener();
  return isAnswered;
}

/**
 * Like `fetch`, but repeats a request without a prompt answer if its connection was dead. So the request must be
 * one that may be made twice. The time limit covers the body, too.
 * @param {URL} url @param {RequestInit & { withinMs: number, waitMs?: number }} options `waitMs`: how long the server was
 * asked to wait @returns {Promise<Response>}
 */
export async function fetchSurely(url, { waitMs = 0, ...options }) {
  const first = attempt(url, options);
  const settled = first.response.then(
    () => true,
    () => true,
  );
  if (await within(waitMs + DOUBT_AFTER_MS, settled)) return first.response;
  if (!(await checkConnections()) || (await within(0, settled))) return first.response;
  first.stop();
  return attempt(url, options).response;
}

/** @param {URL} url @param {RequestInit & { withinMs: number }} options */
function attempt(url, { withinMs, signal, ...options }) {
  const controller = new AbortController();
  const stop = () => controller.abort();
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop);
  setTimeout(stop, withinMs);
  return { response: fetch(url, { ...options, signal: controller.signal }), stop };
}

/** The result of the promise; false if it takes longer. @param {number} ms @param {Promise<unknown>} promise */
function within(ms, promise) {
  const late = new Promise((resolve) => setTimeout(() => resolve(false), ms));
  return Promise.race([promise, late]).then(Boolean);
}
