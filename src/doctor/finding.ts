/** What the doctor found. A `warning` costs something; a `problem` breaks a promise. `fix`: what to do about it. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem';
  readonly what: string;
  readonly fix?: string;
}

export const ok = (what: string): Finding => ({ level: 'ok', what });
export const warning = (what: string, fix: string): Finding => ({ level: 'warning', what, fix });
export const problem = (what: string, fix: string): Finding => ({ level: 'problem', what, fix });

/** A path as a word of a shell command. */
export function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
