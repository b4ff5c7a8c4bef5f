import { closestMatch } from 'leven';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { CONFIGURATION, Ending, USAGE } from './ending.ts';
import {
  COMMANDS,
  type Command,
  type Option,
  OPTION_LIST,
  type OptionName,
  OPTIONS,
  type Settings,
} from './options.ts';

const ALL_INTERFACES = '::';
const SEE_HELP = 'See: mailbox-chat --help';

type Env = Readonly<Record<string, string | undefined>>;

export interface Invocation {
  readonly command: Command;
  /** The words after the command: as many as it takes. */
  readonly words: readonly string[];
  readonly settings: Settings;
  /** Whether somebody said so, by a flag or in the environment. */
  readonly isGiven: (name: OptionName) => boolean;
}

/** What was asked for: flag over environment over default. Throws an Ending when that cannot be made out. */
export function readInvocation(args: readonly string[], env: Env): Invocation | 'help' | 'version' {
  const { values, positionals } = parseCommandLine(args);
  if (values['help']) return 'help';
  if (values['version']) return 'version';

  const [command, ...words] = commandAndWords(positionals);
  const flags = flagsFor(command, values);
  const settled = OPTION_LIST.map(([name, option]) => {
    // What is set for the server must not trouble `tail`.
    const variables = appliesTo(command, option) ? env : {};
    return [name, settle(name, option, flags.get(name), variables)] as const;
  });
  return {
    command,
    words,
    settings: Object.fromEntries(settled) as Settings,
    isGiven: (name) => flags.has(name) || fromEnv(OPTIONS[name], env) !== undefined,
  };
}

function parseCommandLine(args: readonly string[]) {
  const options: NonNullable<ParseArgsConfig['options']> = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean', short: 'v' },
  };
  for (const [name, { value, short }] of OPTION_LIST) {
    options[name] = { type: value ? 'string' : 'boolean', ...(short && { short }) };
  }
  try {
    return parseArgs({ args: args.map(withAddress), options, allowPositionals: true, allowNegative: true });
  } catch (error) {
    throw notUnderstood(error, Object.keys(options));
  }
}

/** parseArgs has no optional values: a bare `--host` gets its address here. */
function withAddress(arg: string, index: number, args: readonly string[]): string {
  const next = args[index + 1];
  return arg === '--host' && (next === undefined || next.startsWith('-')) ? `--host=${ALL_INTERFACES}` : arg;
}

function notUnderstood(error: unknown, names: readonly string[]): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (!code?.startsWith('ERR_PARSE_ARGS')) return error;
  const unknown = /^Unknown option '(.+?)'/.exec(message)?.[1];
  if (unknown === undefined) return new Ending(USAGE, `${message.split('\n')[0]}.`, [SEE_HELP]);
  const switches = OPTION_LIST.filter(([, { value }]) => !value);
  const flags = [...names, ...switches.map(([name]) => `no-${name}`)].map((name) => `--${name}`);
  return new Ending(USAGE, `Unknown option '${unknown}'.${didYouMean(unknown, flags)}`, [SEE_HELP]);
}

function didYouMean(word: string, candidates: readonly string[]): string {
  const match = word.length > 2 ? closestMatch(word, candidates, { maxDistance: 2 }) : undefined;
  return match === undefined ? '' : ` Did you mean '${match}'?`;
}

function commandAndWords([command = 'serve', ...words]: readonly string[]): [Command, ...string[]] {
  if (!isCommand(command)) {
    throw new Ending(USAGE, `Unknown command '${command}'.${didYouMean(command, Object.keys(COMMANDS))}`, [SEE_HELP]);
  }
  const { least, most, words: usage } = COMMANDS[command];
  if (words.length < least || words.length > most) {
    const trouble = words.length < least ? `needs ${usage}` : `does not take '${words[most]}'`;
    throw new Ending(USAGE, `'${command}' ${trouble}.`, [SEE_HELP]);
  }
  return [command, ...words];
}

function isCommand(word: string): word is Command {
  return Object.hasOwn(COMMANDS, word);
}

function flagsFor(command: Command, values: ReturnType<typeof parseCommandLine>['values']): Map<OptionName, string> {
  const flags = new Map<OptionName, string>();
  for (const [name, option] of OPTION_LIST) {
    const value = values[name];
    if (value === undefined) continue;
    if (!appliesTo(command, option)) {
      const commands = option.only?.join("' and '");
      throw new Ending(USAGE, `'--${name}' is for '${commands}', not for '${command}'.`, [SEE_HELP]);
    }
    flags.set(name, typeof value === 'string' ? value : value ? 'yes' : 'no');
  }
  return flags;
}

function appliesTo(command: Command, { only }: Option): boolean {
  return only?.includes(command) ?? true;
}

function settle(name: OptionName, option: Option, flag: string | undefined, env: Env): unknown {
  const text = flag ?? fromEnv(option, env) ?? option.fallback;
  const value = option.parse(text);
  if (value !== undefined) return value;
  const [source, exitCode] = flag === undefined ? [option.env, CONFIGURATION] : [`--${name}`, USAGE];
  throw new Ending(exitCode, `${source} must be ${option.expects}, not '${text}'.`);
}

/** An empty variable counts as not set, as is the custom. */
function fromEnv({ env: variable }: Option, env: Env): string | undefined {
  return (variable && env[variable]) || undefined;
}
