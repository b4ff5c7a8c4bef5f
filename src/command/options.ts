import { ALLOWANCES } from '../jetstream/address.ts';
import { type MailboxName, personName } from '../mailbox-name.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export const LOG_FORMATS = ['pretty', 'json'] as const;

/** The commands, what they do, and how many words follow them. */
export const COMMANDS = {
  serve: { words: '', least: 0, most: 0, description: 'serve the chat (the default)' },
  send: {
    words: '<who> <text>',
    least: 2,
    most: Infinity,
    description: 'put a message into a mailbox; needs no server',
  },
  tail: {
    words: '<who>',
    least: 1,
    most: 1,
    description: 'print mail as it comes, marking nothing as received; or hand it to --exec',
  },
  invite: {
    words: '<who>',
    least: 1,
    most: 1,
    description: 'print a link that lets a person in; one they had before ends',
  },
  revoke: { words: '<who>', least: 1, most: 1, description: "end a person's links, an administrator's included" },
  people: { words: '', least: 0, most: 0, description: 'print who has a link' },
  doctor: {
    words: '[url]',
    least: 0,
    most: 1,
    description: 'say what is wrong with the mailboxes, and with a server and its proxy, and what mends it',
  },
  backup: {
    words: '<dir>',
    least: 1,
    most: 1,
    description: 'copy the mailboxes to a new directory, whether or not a server runs',
  },
  migrate: {
    words: '',
    least: 0,
    most: 0,
    description: 'copy mail and marks from files to a NATS cluster; may be repeated',
  },
  forget: { words: '<who>', least: 1, most: 1, description: "delete a person's mailbox and the mail in it" },
} as const;

export type Command = keyof typeof COMMANDS;

export interface Option<T = unknown> {
  /** The commands that know it; all of them when left out. */
  readonly only?: readonly Command[];
  readonly short?: string;
  readonly env?: string;
  /** Stands for the value in --help. Without it the option is on or off: `yes` or `no`. */
  readonly value?: string;
  /** Read as if it had been given. */
  readonly fallback: string;
  readonly description: string;
  /** Completes "--port must be …". */
  readonly expects: string;
  /** undefined: not acceptable. */
  readonly parse: (text: string) => T | undefined;
}

const YES_OR_NO = 'yes or no';

/** The commands that open the mailboxes. */
const STORING = ['serve', 'send', 'tail', 'migrate', 'forget'] as const;

const option = <T>(declared: Option<T>): Option<T> => declared;

/** Every option, once: the command line, the environment, the defaults and --help come from here. */
export const OPTIONS = {
  port: option({
    only: ['serve', 'invite'],
    short: 'p',
    env: 'PORT',
    value: '<number>',
    fallback: '2012', // not 3000, where the newcomer's own app already runs
    description: 'port to listen on; 0 = any free one',
    expects: 'a whole number from 0 to 65535',
    parse: (text) => wholeNumber(text, 0, 65_535),
  }),
  host: option({
    only: ['serve'],
    env: 'HOST',
    value: '[address]',
    fallback: '127.0.0.1',
    description: 'address to listen on; without one, all. Any but this computer needs invitation links',
    expects: 'an address',
    parse: someText,
  }),
  dir: option({
    short: 'd',
    env: 'MAILBOX_DIR',
    value: '<path>',
    fallback: './mailboxes',
    description: 'where the mailboxes lie',
    expects: 'a path',
    parse: someText,
  }),
  people: option({
    only: ['serve'],
    env: 'MAILBOX_PEOPLE',
    value: '<a,b>',
    fallback: 'henry,jjeong',
    description: 'who is there to talk to',
    expects: 'names with commas between them, each of 1 to 64 letters, digits, "-" or "_"',
    parse: names,
  }),
  open: option({
    only: ['serve'],
    fallback: 'no',
    description: 'open the chat in a browser (BROWSER names which, or none); --no-open does not',
    expects: YES_OR_NO,
    parse: yesOrNo,
  }),
  access: option({
    only: ['serve'],
    env: 'MAILBOX_ACCESS',
    value: '<mode>',
    fallback: 'auto',
    description: 'who gets in; auto is open on this computer, links beyond it and behind a proxy',
    expects: 'one of open, links, auto',
    parse: (text) => (['open', 'links', 'auto'] as const).find((mode) => mode === text),
  }),
  'allowed-host': option({
    only: ['serve'],
    env: 'MAILBOX_ALLOWED_HOST',
    value: '<a,b>',
    fallback: '',
    description: 'names the chat is called by, besides localhost',
    expects: 'host names with commas between them',
    parse: (text) =>
      text
        .split(',')
        .map((name) => name.trim().toLowerCase())
        .filter(Boolean),
  }),
  'open-to-everyone': option({
    only: ['serve'],
    fallback: 'no',
    description: 'let everybody who reaches the port read and write all mail',
    expects: YES_OR_NO,
    parse: yesOrNo,
  }),
  'group-writable': option({
    only: ['serve'],
    env: 'MAILBOX_GROUP_WRITABLE',
    fallback: 'no',
    description: "let the directory's group append to mailboxes: for programs under another user",
    expects: YES_OR_NO,
    parse: yesOrNo,
  }),
  'send-rate': option({
    only: ['serve'],
    env: 'MAILBOX_SEND_RATE',
    value: '<number>',
    fallback: '50',
    description: 'messages a second from one person, four times as many from one address; 0 = no limit',
    expects: 'a whole number from 0 to 1000000',
    parse: (text) => wholeNumber(text, 0, 1_000_000),
  }),
  url: option({
    only: ['invite'],
    value: '<url>',
    fallback: '',
    description: 'where people reach the chat [default http://localhost:2012/]',
    expects: 'an address that begins with http',
    parse: (text) => (text === '' || /^https?:\/\/[^\s#?]+$/.test(text) ? text : undefined),
  }),
  admin: option({
    only: ['invite', 'revoke', 'people'],
    fallback: 'no',
    description: "of administrators' links: to inspect.html, which shows every mailbox and sends nothing",
    expects: YES_OR_NO,
    parse: yesOrNo,
  }),
  'trust-proxy': option({
    only: ['serve'],
    env: 'MAILBOX_TRUST_PROXY',
    fallback: 'no',
    description: 'believe X-Forwarded-For, -Proto and -Prefix: a proxy of yours sets them. People then need links',
    expects: YES_OR_NO,
    parse: yesOrNo,
  }),
  as: option({
    only: ['send'],
    value: '<name>',
    fallback: '',
    description: 'who sends [default your user name]',
    expects: 'a name',
    parse: (text) => text,
  }),
  since: option({
    only: ['tail'],
    value: '<when>',
    fallback: 'latest',
    description: 'where to begin; with --exec, unless given, after what it has received',
    expects: 'all, latest, unix seconds, a duration such as 10m, or an id',
    parse: someText,
  }),
  exec: option({
    only: ['tail'],
    value: '<command>',
    fallback: '',
    description: 'shell command that gets each message as JSON on its standard input; a failure ends the tail',
    expects: 'a command',
    parse: (text) => text,
  }),
  key: option({
    only: ['doctor'],
    env: 'MAILBOX_KEY',
    value: '<key>',
    fallback: '',
    description: 'of an invitation, for a server whose mailboxes are elsewhere',
    expects: 'a key',
    parse: (text) => text,
  }),
  idle: option({
    only: ['doctor'],
    value: '<seconds>',
    fallback: '30',
    description: 'how long a stream on which nothing is said is watched, at most; 0 = not',
    expects: 'a whole number from 0 to 300',
    parse: (text) => wholeNumber(text, 0, 300),
  }),
  json: option({
    only: ['doctor'],
    fallback: 'no',
    description: 'print the findings as one JSON object',
    expects: YES_OR_NO,
    parse: yesOrNo,
  }),
  'keep-days': option({
    only: ['serve'],
    env: 'MAILBOX_KEEP_DAYS',
    value: '<number>',
    fallback: '365',
    description: 'days that received mail is kept',
    expects: 'a whole number from 1 to 36500',
    parse: (text) => wholeNumber(text, 1, 36_500),
  }),
  'keep-bytes': option({
    only: ['serve'],
    env: 'MAILBOX_KEEP_BYTES',
    value: '<size>',
    fallback: '1G',
    description: 'how much received mail is kept per mailbox; the oldest goes first',
    expects: 'a size of 1M or more: bytes, or a whole number with K, M or G behind it',
    parse: (text) => size(text, 1024 ** 2),
  }),
  'max-message': option({
    only: ['serve', 'send'],
    env: 'MAILBOX_MAX_MESSAGE',
    value: '<number>',
    fallback: '4000',
    description: 'longest message, in characters',
    expects: 'a whole number from 1 to 32000',
    parse: (text) => wholeNumber(text, 1, 32_000),
  }),
  metrics: option({
    only: ['serve'],
    env: 'MAILBOX_METRICS',
    value: '<[host:]port>',
    fallback: 'off',
    description:
      'serve Prometheus metrics at /metrics, on a port of their own and on this computer unless a host is given',
    expects: 'off or [host:]port with a port from 0 to 65535',
    parse: metricsPlace,
  }),
  store: option({
    only: STORING,
    env: 'MAILBOX_STORE',
    value: '<where>',
    fallback: 'files',
    description: 'what keeps the mail: files in --dir, or a NATS cluster',
    expects: 'files, or nats://host:port of a NATS server, or several of them with commas between',
    parse: storeAddress,
  }),
  'nats-creds': option({
    only: STORING,
    env: 'MAILBOX_NATS_CREDS',
    value: '<file>',
    fallback: '',
    description: 'credentials file to log in to NATS with',
    expects: 'a path',
    parse: (text) => text,
  }),
  'nats-prefix': option({
    only: STORING,
    env: 'MAILBOX_NATS_PREFIX',
    value: '<name>',
    fallback: 'MAILBOX',
    description: 'what the streams on NATS are called',
    expects: '1 to 32 letters, digits, "-" or "_"',
    parse: (text) => (/^[A-Za-z0-9_-]{1,32}$/.test(text) ? text : undefined),
  }),
  'nats-shards': option({
    only: STORING,
    env: 'MAILBOX_NATS_SHARDS',
    value: '<number>',
    fallback: '8',
    description: 'streams that share the mailboxes; fixed for ever by the first start',
    expects: 'a whole number from 1 to 1024',
    parse: (text) => wholeNumber(text, 1, 1024),
  }),
  'nats-replicas': option({
    only: STORING,
    env: 'MAILBOX_NATS_REPLICAS',
    value: '<number>',
    fallback: '3',
    description: 'copies of each message; used by the first start',
    expects: 'a whole number from 1 to 5',
    parse: (text) => wholeNumber(text, 1, 5),
  }),
  'nats-monitor': option({
    only: STORING,
    env: 'MAILBOX_NATS_MONITOR',
    value: '<a,b>',
    fallback: '',
    description: 'monitoring address of every NATS server, where it is checked that they write before they acknowledge',
    expects: 'http://host:8222 of every server, with commas between them',
    parse: (text) => listOf(text, (one) => (/^https?:/.test(one) && URL.canParse(one) ? one : undefined)),
  }),
  'nats-allow': option({
    only: STORING,
    env: 'MAILBOX_NATS_ALLOW',
    value: '<a,b>',
    fallback: '',
    description: 'start although accepted mail could be lost',
    expects: `any of ${ALLOWANCES.join(', ')}, with commas between them`,
    parse: (text) => listOf(text, (one) => ALLOWANCES.find((allowance) => allowance === one)),
  }),
  'log-level': option({
    env: 'LOG_LEVEL',
    value: '<level>',
    fallback: 'info',
    description: 'least level that is logged',
    expects: `one of ${LOG_LEVELS.join(', ')}`,
    parse: (text) => LOG_LEVELS.find((level) => level === text),
  }),
  'log-format': option({
    env: 'LOG_FORMAT',
    value: '<format>',
    fallback: 'auto',
    description: 'how logs look; auto is pretty in a terminal',
    expects: `one of ${LOG_FORMATS.join(', ')}, auto`,
    parse: (text) => (['auto', ...LOG_FORMATS] as const).find((format) => format === text),
  }),
};

export type OptionName = keyof typeof OPTIONS;

export type Settings = { readonly [K in OptionName]: NonNullable<ReturnType<(typeof OPTIONS)[K]['parse']>> };

/** The table as a list. */
export const OPTION_LIST = Object.entries(OPTIONS) as readonly [OptionName, Option][];

function someText(text: string): string | undefined {
  return text || undefined;
}

function yesOrNo(text: string): boolean | undefined {
  if (['yes', 'true', '1', 'on'].includes(text)) return true;
  return ['no', 'false', '0', 'off'].includes(text) ? false : undefined;
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  const number = Number(text);
  return /^\d+$/.test(text) && number >= least && number <= most ? number : undefined;
}

/** `5M` is 5 MiB, in bytes. */
function size(text: string, least: number): number | undefined {
  const [, number, unit = ''] = /^(\d{1,12})([KMG]?)$/i.exec(text) ?? [];
  const bytes = Number(number) * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit.toUpperCase());
  return bytes >= least && Number.isSafeInteger(bytes) ? bytes : undefined;
}

const METRICS_PLACE = /^(?:(?<host>\[[^[\]\s]+\]|[^:[\]\s]+):)?(?<port>\d+)$/;

/** An IPv6 address stands in brackets, as in a URL. */
function metricsPlace(text: string): { readonly host: string; readonly port: number } | 'off' | undefined {
  if (text === 'off') return 'off';
  const { host = '127.0.0.1', port = '' } = METRICS_PLACE.exec(text)?.groups ?? {};
  const number = wholeNumber(port, 0, 65_535);
  return number === undefined ? undefined : { host: host.replace(/^\[(.*)\]$/, '$1'), port: number };
}

/** Undefined when one of them is not acceptable. */
function listOf<T>(text: string, parse: (one: string) => T | undefined): readonly T[] | undefined {
  const parsed = text
    .split(',')
    .filter((one) => one.trim() !== '')
    .map((one) => parse(one.trim()));
  return parsed.includes(undefined) ? undefined : (parsed as T[]);
}

function storeAddress(text: string): 'files' | readonly string[] | undefined {
  if (text === 'files') return text;
  const servers = listOf(text, (one) => {
    const url = one.includes('://') ? one : `nats://${one}`; // only the first of several needs to say it
    return URL.canParse(url) && /^(?:nats|tls):/.test(url) && new URL(url).host !== '' ? url : undefined;
  });
  return servers?.length && /^(?:nats|tls):/.test(text) ? servers : undefined;
}

function names(text: string): readonly MailboxName[] | undefined {
  try {
    return [...new Set(text.split(',').map((name) => personName(name.trim())))];
  } catch {
    return undefined;
  }
}
