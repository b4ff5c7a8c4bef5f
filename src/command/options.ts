import { Option } from 'commander';
import * as parse from './parsers.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export const LOG_FORMATS = ['pretty', 'json'] as const;
const HOST = 'address to listen on; without a value, all of them, and people need links';
const SINCE = 'all, latest, waiting, Unix seconds, a duration such as 10m, or an id';

export const dir = setting('-d, --dir <path>', './mailboxes', 'where the mailboxes are', parse.someText('a path'));
export const port = setting('-p, --port <n>', '2012', 'port of the server; 0: any free one', parse.whole(0, 65_535));
export const store = setting('--store <where>', 'files', 'what keeps the mail: files, or nats://…', parse.store);
export const maxMessage = setting('--max-message <n>', '4000', 'characters in a message', parse.whole(1, 32_000));
export const logLevel = setting('--log-level <level>', 'info', LOG_LEVELS.join(', '), parse.oneOf(...LOG_LEVELS));
const people = setting('--people <a,b>', 'henry,jjeong', 'whom the pages offer to talk to', parse.people);

/** Options of `serve` alone. */
export const serving: readonly Option[] = [
  setting('--host [address]', '127.0.0.1', HOST, parse.someText('an address')).preset('::'),
  people,
  ...onOrOff('--open', 'open the chat in a browser; BROWSER names which'),
  setting('--access <mode>', 'auto', 'who gets in: open, links, auto', parse.oneOf('open', 'links', 'auto')),
  setting('--allowed-host <a,b>', '', 'host names of the chat, besides localhost', parse.hostNames),
  new Option('--open-to-everyone', 'let everybody who reaches the port read and write all mail').default(false, 'off'),
  ...onOrOff('--group-writable', "let the directory's group append to mailbox files").map(fromEnvironment),
  setting('--send-rate <n>', '50', 'messages a second from one person; 0: no limit', parse.whole(0, 1_000_000)),
  ...onOrOff('--trust-proxy', 'believe X-Forwarded-For, -Proto, -Prefix; people need links').map(fromEnvironment),
  setting('--keep-days <n>', '365', 'how many days received mail is kept', parse.whole(1, 36_500)),
  setting('--keep-bytes <size>', '1G', 'how much received mail is kept per mailbox', parse.size),
  setting('--metrics <[host:]port>', 'off', 'where to serve Prometheus metrics', parse.metricsPlace),
  setting('--log-format <f>', 'auto', 'pretty, json, auto', parse.oneOf(...LOG_FORMATS, 'auto')),
];

export const url = new Option('--url <url>', 'where people reach the chat').argParser(parse.webAddress);

export const sending: readonly Option[] = [
  new Option('--as <name>', 'sender; without it, your user name'),
  new Option('--new', 'make a mailbox for somebody who has none yet').default(false, 'off'),
  people,
];

export const tailing: readonly Option[] = [
  new Option('--since <when>', `${SINCE}; else latest`).argParser(parse.someText(SINCE)),
  new Option('--exec <command>', 'shell command that gets each message as JSON on stdin').argParser(parse.command),
];

export const examining: readonly Option[] = [
  setting('--key <key>', '', 'key of an invitation, for a server elsewhere', String),
  new Option('--idle <seconds>', 'how long a quiet stream is watched').default(30).argParser(parse.whole(0, 300)),
  new Option('--json', 'print the findings as one JSON object').default(false, 'off'),
];

/** An option whose value may also come from the environment. */
function setting(flags: string, fallback: string, description: string, read: (text: string) => unknown): Option {
  return fromEnvironment(new Option(flags, description).argParser(read).default(read(fallback), fallback || 'none'));
}

function onOrOff(flag: string, description: string): Option[] {
  return [new Option(flag, description).default(false, 'off'), new Option(flag.replace('--', '--no-'), 'turn it off')];
}

/** `--keep-days` is MAILBOX_KEEP_DAYS. A few have the names that other programs use. */
function fromEnvironment(option: Option): Option {
  if (option.negate) return option;
  const name = option.name().toUpperCase().replaceAll('-', '_');
  return option.env(['PORT', 'HOST', 'LOG_LEVEL', 'LOG_FORMAT'].includes(name) ? name : `MAILBOX_${name}`);
}
