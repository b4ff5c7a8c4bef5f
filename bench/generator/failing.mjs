/**
 * A promise that rejects with the first error on any connection. Race a job against it.
 * @returns {{ failed: (error: Error) => void, failure: Promise<never> }}
 */
export function failing() {
  /** @type {((error: Error) => void) | undefined} */
  let reject;
  const failure = /** @type {Promise<never>} */ (new Promise((_resolve, fail) => (reject = fail)));
  failure.catch(() => undefined); // the job that races against it gets the error
  return { failed: (error) => reject?.(error), failure };
}

/** The time that something is measured for. @param {number} seconds */
export function elapsed(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
