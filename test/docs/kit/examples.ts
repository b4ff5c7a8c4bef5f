import { document, type Block } from './documents.ts';
import { Shell, type ShellOptions } from './shell.ts';

/** Commands, and the output that the document shows, if it does. */
export interface Example {
  readonly commands: Block;
  readonly output: string | undefined;
}

const OUTPUT_LANGUAGES = ['json', 'text'];

/** The blocks of a document in one of `languages`, each with the block of output right after it. */
export function examples(path: string, languages: readonly string[]): Example[] {
  const { blocks } = document(path);
  return blocks.flatMap((commands, i) => {
    if (!languages.includes(commands.language)) return [];
    const next = blocks[i + 1];
    return [{ commands, output: next && OUTPUT_LANGUAGES.includes(next.language) ? next.code : undefined }];
  });
}

/**
 * Runs the commands and resolves when they have printed the output that the document shows, with other ids and times.
 */
export async function runExample(
  { commands, output }: Example,
  options: ShellOptions,
  urls: UrlChange = {},
): Promise<void> {
  const code = Object.entries(urls).reduce((text, [from, to]) => text.replaceAll(from, to), commands.code);
  const shell = new Shell(code, options);
  if (output === undefined) {
    const { code: exit, stderr } = await shell.ended();
    if (exit !== 0) throw new Error(`${commands.name}: ended with ${exit}: ${stderr}`);
  } else await shell.printedText(withoutTimes(output), withoutTimes);
}

type UrlChange = Readonly<Record<string, string>>;

/** Ids, times and delays differ at each run. */
export function withoutTimes(text: string): string {
  return text
    .replaceAll(/\b\d{13}-\d+(?:\.\d+)?/g, '<id>')
    .replaceAll(/\b0-0\b/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>')
    .replaceAll(/(?<=retry: )\d+/g, '<ms>')
    .trim();
}
