import { Command, Help, type Option } from 'commander';
import { closest } from '../words/closest.ts';
import { VERSION } from '../words/version.ts';
import { refuseContradictions } from './contradictions.ts';
import { CONFIGURATION, Ending } from './ending.ts';
import { dir, examining, logLevel, maxMessage, port, sending, serving, store, tailing, url } from './options.ts';
import { actAsOwnerOf } from './owner.ts';
import { refusal } from './refusal.ts';

const mail = [dir, store, maxMessage];

/** Their output lies elsewhere, and root sees more. */
const LOOKING = ['backup', 'doctor'];

/** All commands with their options. The code of a command is loaded when it runs. */
export function createProgram(): Command {
  const program = new Command('mailbox-chat')
    .version(VERSION, '-v, --version', 'print the version')
    .helpCommand('help [command]', 'print the help of a command')
    .configureOutput({ writeErr: () => {} }) // we throw refusals and print them ourselves
    .configureHelp({ optionDescription: (one) => new Help().optionDescription(one).replace(', preset: "::"', '') })
    .hook('preSubcommand', (_program, command) => settleEnvironment(command))
    .hook('preAction', (_program, command) => {
      if (command.opts()['logLevel'] === 'debug') process.env['LOG_LEVEL'] = 'debug'; // for errors that end the command
      refuseContradictions(command);
      if (!LOOKING.includes(command.name())) actAsOwnerOf(String(command.opts()['dir']));
    });
  const serve = addServe(program);
  addMailCommands(program);
  addDirectoryCommands(program);
  program.addHelpText('after', () => `\nOptions of serve:\n${serve.helpInformation().split('Options:\n')[1]}`);
  return refusing(program);
}

function addServe(program: Command): Command {
  const serve = add(program, 'serve', 'serve the chat (the default)', port, ...serving, ...mail);
  return serve.action(async (values, command) => {
    const isPortGiven = command.getOptionValueSource('port') !== 'default';
    await (await import('./serve.ts')).serve({ ...values, isPortGiven });
  });
}

function addMailCommands(program: Command): void {
  add(program, 'send <who> <text...>', 'put a message into a mailbox (-: standard input)', ...sending, ...mail).action(
    async (who, text, values) => (await import('./send.ts')).send(who, text.join(' '), values),
  );
  add(program, 'tail <who>', 'print mail as it comes, or hand it to --exec', ...tailing, dir, store).action(
    async (who, values) => (await import('./tail.ts')).tail(who, values),
  );
}

function addDirectoryCommands(program: Command): void {
  add(program, 'invite <who>', 'print a link that lets a person in; their earlier link ends', url, port, dir).action(
    async (who, values) => (await import('./invite.ts')).invite(who, values),
  );
  add(program, 'revoke <who>', "end a person's link", dir).action(async (who, values) =>
    (await import('./invite.ts')).revoke(who, values),
  );
  add(program, 'people', 'print who has a link', dir).action(async (values) =>
    (await import('./invite.ts')).people(values),
  );
  add(program, 'doctor [url]', 'say what is wrong with the mailboxes, a server or its proxy', ...examining, dir).action(
    async (address, values) => (await import('./doctor.ts')).doctor(address, values),
  );
  add(program, 'backup <dir>', 'copy the mailboxes to a new directory; a server may be running', dir).action(
    async (target, values) => (await import('./backup.ts')).backup(target, values),
  );
  add(program, 'migrate', 'copy mail and marks from files to a NATS cluster; may be repeated', dir, store).action(
    async (values) => (await import('./migrate.ts')).migrate(values),
  );
  add(program, 'forget <who>', "delete a person's mailbox and the mail in it", dir, store).action(async (who, values) =>
    (await import('./forget.ts')).forget(who, values),
  );
}

function add(program: Command, usage: string, description: string, ...options: readonly Option[]): Command {
  const command = program.command(usage).description(description);
  for (const option of [...options, logLevel]) command.addOption(option);
  return refusing(command);
}

/** Throws what commander refuses, in our words. */
function refusing(command: Command): Command {
  return command.helpOption('-h, --help', 'print this help').exitOverride((error) => {
    throw refusal(error, command);
  });
}

/** Puts `serve` first if the command line names no command. */
export function withCommand(args: readonly string[]): string[] {
  const [first = '--', second] = args;
  if (first === 'help' && second === 'help') return ['--help']; // commander has no help for this command
  const isComplete = !first.startsWith('-') || ['-h', '--help', '-v', '--version'].includes(first);
  return isComplete ? [...args] : ['serve', ...args];
}

const YES = ['yes', 'true', '1', 'on'];
const NO = ['no', 'false', '0', 'off'];

/** Counts an empty variable as not set, as usual, and keeps one that says no from turning an option on. */
function settleEnvironment({ options, parent }: Command): void {
  refuseUnknownVariables(parent?.commands.flatMap((command) => command.options.map(({ envVar = '' }) => envVar)) ?? []);
  for (const option of options) {
    const { envVar: variable = '' } = option;
    const text = process.env[variable];
    if (text === undefined) continue;
    if (text === '' || (option.isBoolean() && NO.includes(text))) delete process.env[variable];
    else if (option.isBoolean() && !YES.includes(text)) {
      throw new Ending(CONFIGURATION, `${variable} must be yes or no, not '${text}'.`);
    }
  }
}

/** Refuses unknown variables (a misspelt MAILBOX_ACCESS would let everybody in), but for those that Kubernetes sets. */
function refuseUnknownVariables(known: readonly string[]): void {
  for (const [name, text = ''] of Object.entries(process.env)) {
    if (!name.startsWith('MAILBOX_') || text === '' || known.includes(name)) continue;
    if (/_SERVICE_|_PORT_/.test(name) || /^(?:tcp|udp|sctp):/.test(text)) continue;
    const meant = closest(name.slice(8), known.map((each) => each.slice(8)).filter(Boolean));
    const question = meant ? ` Did you mean 'MAILBOX_${meant}'?` : '';
    throw new Ending(CONFIGURATION, `There is no variable ${name}.${question}`, ['See: mailbox-chat --help']);
  }
}
