import type { Command } from 'commander';
import { Ending, USAGE } from './ending.ts';
import type { ServeOptions } from './serve.ts';

/** Two options that cannot both apply, and why; `when`: only with these values. */
type Contradiction = readonly [one: Name, other: Name, why: string, when?: (values: ServeOptions) => boolean];
type Name = keyof ServeOptions;

const CONTRADICTIONS: readonly Contradiction[] = [
  ['openToEveryone', 'access', 'with links only the invited get in', ({ access }) => access === 'links'],
  ['openToEveryone', 'allowedHost', 'everyone may call the chat by any name'],
  ['store', 'groupWritable', 'a cluster has no mailbox files', (all) => all.store !== 'files' && all.groupWritable],
  ['store', 'keepBytes', 'a cluster keeps mail by its age and number, not its size', ({ store }) => store !== 'files'],
  [
    'metrics',
    'port',
    'metrics have a port of their own',
    ({ metrics, port }) => metrics !== 'off' && metrics.port === port && port !== 0,
  ],
];

/** Throws an Ending when flags or variables contradict each other. */
export function refuseContradictions(command: Command): void {
  for (const [one, other, why, when] of CONTRADICTIONS) {
    const given = [one, other].map((name) => nameGiven(command, name));
    if (given.includes(undefined) || when?.(command.opts()) === false) continue;
    throw new Ending(USAGE, `${given.join(' contradicts ')}: ${why}.`, ['Leave one of them out.']);
  }
}

/** The flag or the variable that set this option; undefined if neither did. */
function nameGiven(command: Command, name: string): string | undefined {
  const option = command.options.find((one) => one.attributeName() === name);
  const source = command.getOptionValueSource(name);
  return source === 'env' ? option?.envVar : source === 'cli' ? option?.long : undefined;
}
