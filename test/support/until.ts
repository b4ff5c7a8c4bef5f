import { DEADLINE_MS } from './after-this-test.ts';

const LOOK_AGAIN_MS = 5;

/** Resolves to what `look` finds as soon as it finds something; rejects when nothing came by the deadline. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  withinMs = DEADLINE_MS,
): Promise<NonNullable<T>> {
  const giveUpMs = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > giveUpMs) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

/** The same for a promise, which cannot be asked again. */
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
