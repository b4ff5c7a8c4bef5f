import { ChunkedBody, EventParser, openStream } from './follower.mjs';
import { failing } from './failing.mjs';
import { Ledger, keyIn } from './ledger.mjs';

const TAIL_BYTES = 512;

/**
 * @typedef {object} BacklogJob
 * @property {number} port
 * @property {string} receiver
 * @property {string} sender
 * @property {string | undefined} [cursor]
 * @property {number} count  how many wait
 */

/**
 * Connects and waits for the last message. Measures the ms until the first byte of the body, and until the last message.
 * It parses only when everything has come, because parsing would slow that down.
 * @param {BacklogJob} job
 */
export async function backlog({ port, receiver, sender, cursor, count }) {
  const { failed, failure } = failing();
  const lastKey = `"${sender}.${count - 1}"`;
  /** @type {Buffer[]} */
  const received = [];
  let tail = '';
  let firstMs = Number.NaN;
  /** @type {(() => void) | undefined} */
  let close;
  const begun = performance.now();
  const all = new Promise((resolve) => {
    const onBytes = (/** @type {Buffer} */ bytes) => {
      if (received.push(bytes) === 1) firstMs = performance.now() - begun;
      tail = (tail + bytes.toString('latin1', Math.max(0, bytes.length - TAIL_BYTES))).slice(-TAIL_BYTES);
      if (tail.includes(lastKey)) resolve(performance.now() - begun);
    };
    void openStream({ port, receiver, cursor, onBytes, failed }).then((end) => (close = end));
  });
  const lastMs = Number(await Promise.race([all, failure]));
  close?.();
  return { firstMs, lastMs, faults: check(received, sender, count) };
}

/** @param {readonly Buffer[]} received @param {string} sender @param {number} count */
function check(received, sender, count) {
  const ledger = new Ledger();
  for (let i = 0; i < count; i += 1) ledger.accept(sender);
  const events = new EventParser((data) => ledger.deliver(keyIn(data)));
  const text = Buffer.concat(received).toString('latin1');
  const head = text.slice(0, text.indexOf('\r\n\r\n') + 4);
  const body = /transfer-encoding: chunked/i.test(head) ? new ChunkedBody((part) => events.feed(part)) : events;
  body.feed(text.slice(head.length));
  events.feed('\n\n'); // we waited only for the key of the last event
  return ledger.faults;
}
