import { styleText } from 'node:util';

type Env = Readonly<Record<string, string | undefined>>;

/** Whether a person reads the output: false in a pipe, a CI job or production. */
export function isTerminal(stream: { isTTY?: boolean }, env: Env = process.env): boolean {
  return stream.isTTY === true && !env['CI'] && env['NODE_ENV'] !== 'production';
}

/** Colours a piece of text, or leaves it as it is. */
export type Paint = (style: 'red' | 'green' | 'cyan' | 'bold' | 'dim', text: string) => string;

/** Colours for this stream: FORCE_COLOR first, then NO_COLOR, then whether it is a terminal. */
export function paintFor(stream: { isTTY?: boolean }, env: Env = process.env): Paint {
  if (!isColored(stream, env)) return (_style, text) => text;
  return (style, text) => styleText(style, text, { validateStream: false });
}

function isColored(stream: { isTTY?: boolean }, env: Env): boolean {
  if (env['FORCE_COLOR'] !== undefined) return !['0', 'false'].includes(env['FORCE_COLOR']);
  return !env['NO_COLOR'] && stream.isTTY === true && env['TERM'] !== 'dumb';
}

/**
 * Makes what others wrote safe to print: it must not move the cursor, colour the terminal or look like a line of ours.
 */
export function harmless(text: string): string {
  return text.replaceAll(/\r\n?|\n/g, '\n      ').replaceAll(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/** Prints a result: in words to a person, as JSON to a program. */
export function tell(inWords: string, forProgram: object): void {
  console.log(isTerminal(process.stdout) ? inWords : JSON.stringify(forProgram));
}
