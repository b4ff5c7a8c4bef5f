import { inspect } from 'node:util';
import { z } from 'zod';
import { HOST_NAME, type Identify, type MailboxChatOptions, type MayInspect } from './chat-options.ts';
import { closest } from './closest.ts';
import { toConsole, type Logger } from './logger.ts';
import { personName, type MailboxName } from './mailbox-name.ts';
import type { MailboxStore } from './mailbox-store.ts';

/** The options after the check, with defaults. */
export type ChatOptions = z.output<typeof Options>;

const ACCESS = ['open', 'links'] as const;
const NAME = 'the name of a person: 1 to 64 letters, digits, "-" or "_" (dots inside are fine), and no room';
const A_HOST = "the name of a host, or '*'";
const HOST = z
  .string(A_HOST)
  .toLowerCase()
  .refine((name) => name === '*' || HOST_NAME.test(name), A_HOST);
const METHODS = {
  logger: ['debug', 'info', 'warn', 'error'],
  store: 'append read readBack drain ends isId compare mark marks watch ready close'.split(' '),
};

// The texts say what is allowed. `exactOptional`: an option about access must not be undefined, which would be a misspelled variable.
const SHAPE = {
  dir: z.string('the path of a directory').min(1, 'the path of a directory').default('mailboxes'),
  people: z.array(z.string(NAME).transform(toName), 'an array of names').prefault(['henry', 'jjeong']),
  maxMessage: wholeNumber(32_000).default(4000),
  logger: withMethods<Logger>('logger').default(toConsole),
  onFatal: functionOf<(error: Error) => void>('an error').optional(),
  access: z.enum(ACCESS, "'open' or 'links' (for your application's own login, give identify)").exactOptional(),
  identify: functionOf<Identify>('the request that gives the name of a person').exactOptional(),
  mayInspect: functionOf<MayInspect>('the request that gives true or false').exactOptional(),
  allowedHosts: z.array(HOST, 'an array of host names').default([]),
  trustProxy: z.boolean('true or false').default(false),
  sendRate: numberThat('a number, 0 or more', (value) => value >= 0).default(50),
  maxStreams: wholeNumber(Number.MAX_SAFE_INTEGER).default(20_000),
  groupWritable: z.boolean('true or false').default(false),
  allowFraming: z.boolean('true or false').default(false),
  keepDays: numberThat('a number above 0', (value) => value > 0).optional(),
  keepBytes: numberThat('a number above 0', (value) => value > 0).optional(),
  store: withMethods<MailboxStore>('store').optional(),
} satisfies { [name in keyof Required<MailboxChatOptions>]: z.ZodType };

const NAMES = Object.keys(SHAPE);
const Options = z.strictObject(SHAPE);

/** Checks options. Throws a TypeError that says for each wrong one what was given, what is allowed and what was probably meant. */
export function readOptions(input: object): ChatOptions {
  // Without this check, a promise of options would count as no options, and the chat would be open to everybody.
  if (typeof input === 'object' && input !== null && !Array.isArray(input) && !z.core.util.isPlainObject(input)) {
    throw new TypeError(`mailboxChat: The options must be a plain object, not ${inspect(input, { depth: -1 })}.`);
  }
  const read = Options.safeParse(input);
  const complaints = read.success
    ? contradictionsIn(read.data)
    : read.error.issues.flatMap((issue) => explain(issue, input));
  if (!read.success || complaints.length > 0) throw new TypeError(`mailboxChat: ${complaints.join(' ')}`);
  return read.data;
}

function functionOf<F extends MailboxChatOptions[keyof MailboxChatOptions]>(what: string): z.ZodCustom<F> {
  return z.custom<F>((value) => typeof value === 'function', `a function of ${what}`);
}

function numberThat(allowed: string, fits: (value: number) => boolean): z.ZodCustom<number> {
  return z.custom<number>((value) => typeof value === 'number' && fits(value), allowed);
}

function wholeNumber(most: number): z.ZodCustom<number> {
  const allowed = `a whole number from 1 to ${most}`;
  return numberThat(allowed, (value) => Number.isInteger(value) && value >= 1 && value <= most);
}

function withMethods<T extends Logger | MailboxStore>(name: keyof typeof METHODS): z.ZodCustom<T> {
  const allowed = `an object with the methods ${METHODS[name].join(', ')}`;
  return z.custom<T>(
    (value) => typeof value === 'object' && value !== null && missing(name, value).length === 0,
    allowed,
  );
}

function missing(name: keyof typeof METHODS, value: object): string[] {
  return METHODS[name].filter((method) => typeof (value as Record<string, unknown>)[method] !== 'function');
}

function toName(text: string, context: z.RefinementCtx): MailboxName {
  try {
    return personName(text);
  } catch {
    context.addIssue({ code: 'custom', message: NAME });
    return z.NEVER;
  }
}

function contradictionsIn({ access, identify, allowedHosts }: ChatOptions): string[] {
  const complaints = [];
  if (access && identify) complaints.push("'identify' stands in place of 'access'. Give only one of them.");
  if ((access === 'links' || identify) && allowedHosts.includes('*')) {
    complaints.push("'allowedHosts: ['*']' is for open access. With links or identify any name works: leave it out.");
  }
  return complaints;
}

function explain(issue: z.core.$ZodIssue, input: unknown): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map(unknownOption);
  const [name, ...inside] = issue.path;
  if (name === undefined) return [`The options must be an object, not ${given(input)}.`];
  const value = issue.path.reduce((within, key) => (within as Record<PropertyKey, unknown>)[key], input);
  const option = [String(name), ...inside.map((index) => `[${String(index)}]`)].join('');
  return [`'${option}' must be ${issue.message}, not ${given(value, name)}.${didYouMean(guess(name, value))}`];
}

function unknownOption(name: string): string {
  if (name === 'port' || name === 'host')
    return `There is no option '${name}'. The chat does not listen: your server does.`;
  return `There is no option '${name}'.${didYouMean(closest(name, NAMES)) || ` The options are ${NAMES.join(', ')}.`}`;
}

/** Describes a wrong value. It shows a text only if that cannot be a secret, and never the contents of an object. */
function given(value: unknown, name?: PropertyKey): string {
  if (typeof value === 'string') {
    if (value === '') return 'an empty text';
    return name === 'access' || name === 'people' ? inspect(value.slice(0, 70)) : 'a text';
  }
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'object' || value === null) return String(value);
  return name === 'logger' || name === 'store' ? `one without ${missing(name, value).join(', ')}` : 'an object';
}

function didYouMean(meant: unknown): string {
  return meant === undefined ? '' : ` Did you mean ${inspect(meant)}?`;
}

/** The value that a text was probably meant to be: environment variables, for example, are always text. */
function guess(name: PropertyKey, value: unknown): unknown {
  if (typeof value !== 'string' || value.trim() === '' || !Object.hasOwn(SHAPE, name)) return undefined;
  const guesses = [
    closest(value, ACCESS),
    [true, false].find((truth) => String(truth) === value),
    Number(value),
    value.split(','),
  ];
  const schema: z.ZodType = SHAPE[name as keyof typeof SHAPE];
  return guesses.find((each) => each !== undefined && schema.safeParse(each).success);
}
