/**
 * A promise that rejects with the first trouble on any connection, to race a job against.
 * @returns {{ failed: (error: Error) => void, failure: Promise<never> }}
 */
export function failing() {
  /** @type {((error: Error) => void) | undefined} */
  let reject;
  const failure = /** @type {Promise<never>} */ (new Promise((_resolve, fail) => (reject = fail)));
  failure.catch(() => undefined); // whoever races against it hears of it
  return { failed: (error) => reject?.(error), failure };
}

/** The time that something is measured for. @param {number} seconds */
export function elapsed(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
