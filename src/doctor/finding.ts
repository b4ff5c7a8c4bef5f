/** What the doctor found: `warning` costs something, with `problem` a promise does not hold. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem';
  readonly what: string;
  /** What to do about it. */
  readonly fix?: string;
}

export function ok(what: string): Finding {
  return { level: 'ok', what };
}

export function warning(what: string, fix: string): Finding {
  return { level: 'warning', what, fix };
}

export function problem(what: string, fix: string): Finding {
  return { level: 'problem', what, fix };
}

const MAX_NAMED = 10;

/** A finding for each of these, the first ten by themselves. */
export function each<T>(things: readonly T[], finding: (thing: T) => Finding): Finding[] {
  const named = things.slice(0, MAX_NAMED).map(finding);
  const last = named.at(-1);
  if (!last || things.length <= MAX_NAMED) return named;
  return [...named, { ...last, what: `… and ${things.length - MAX_NAMED} more like this` }];
}

export function sizeInWords(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}
