/** What the doctor found. A `warning` costs something; a `problem` breaks a guarantee. `fix`: what to do about it. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem';
  readonly what: string;
  readonly fix?: string;
}

export const ok = (what: string): Finding => ({ level: 'ok', what });
export const warning = (what: string, fix: string): Finding => ({ level: 'warning', what, fix });
export const problem = (what: string, fix: string): Finding => ({ level: 'problem', what, fix });

/** Quotes a path for a shell, if it needs that. */
export function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
