import { connect } from 'node:net';
import { elapsed, failing } from './failing.mjs';

/**
 * @typedef {object} FairnessJob
 * @property {number} port
 * @property {readonly string[]} requests  raw ones, sent on connections of their own at the same time
 * @property {boolean} [isStream]  the answers do not end: what comes is read for a second
 */

const PROBE = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
const QUIET_SECONDS = 0.3;
const STREAM_SECONDS = 1;

/** The longest that another client waited for an answer while these requests were answered. @param {FairnessJob} job */
export async function fairness({ port, requests, isStream = false }) {
  const { failed, failure } = failing();
  const probe = new Probe(port, failed);
  await elapsed(QUIET_SECONDS);
  probe.longestMs = 0;
  const begun = performance.now();
  const answers = Promise.all(requests.map((request) => answered(port, request, failed)));
  await Promise.race([isStream ? elapsed(STREAM_SECONDS) : answers, failure]);
  const tookMs = performance.now() - begun;
  await Promise.race([probe.next(), failure]);
  return { waitMs: probe.longestMs, tookMs };
}

/** Sends a request as soon as it has the answer to the last one. */
class Probe {
  longestMs = 0;
  #sentMs = 0;
  #socket;
  /** @type {(() => void)[]} */
  #waiting = [];

  /** @param {number} port @param {(error: Error) => void} failed */
  constructor(port, failed) {
    this.#socket = connect(port, '127.0.0.1', () => this.#ask());
    this.#socket.setNoDelay(true).on('error', failed);
    this.#socket.on('data', () => {
      this.longestMs = Math.max(this.longestMs, performance.now() - this.#sentMs);
      for (const resolve of this.#waiting.splice(0)) resolve();
      setTimeout(() => this.#ask(), 1);
    });
  }

  /** Resolves with the next answer, so that a late one counts, too. */
  next() {
    return new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
  }

  #ask() {
    this.#sentMs = performance.now();
    this.#socket.write(PROBE);
  }
}

/**
 * Ends when the server ends the connection, as each request asks for.
 * @param {number} port @param {string} request @param {(error: Error) => void} failed
 */
function answered(port, request, failed) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    socket.on('data', () => undefined).on('error', failed);
    socket.on('close', () => resolve(undefined));
  });
}
