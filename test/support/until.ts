/**
 * Ten times the slowest guarantee of the product. A test that waits for the event itself is far
 * quicker.
 */
export const DEADLINE_MS = 20_000;

type Nothing = false | null | undefined;

/** Calls `look` until it finds something, and resolves to that; rejects after the deadline. */
export async function until<T>(
  what: string,
  look: () => T | Nothing | Promise<T | Nothing>,
  withinMs = DEADLINE_MS,
  everyMs = 5,
): Promise<T> {
  const giveUpMs = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > giveUpMs) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** The same for a promise. */
export async function inTime<T>(what: string, promise: Promise<T>, withinMs = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${withinMs} ms`)), withinMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
