import { Command, Help, type Option } from 'commander';
import { closest } from '../words/closest.ts';
import { VERSION } from '../words/version.ts';
import { refuseContradictions } from './contradictions.ts';
import { CONFIGURATION, Ending, showStacks } from './ending.ts';
import { dir, examining, logLevel, maxMessage, port, sending, serving, store, tailing, url } from './options.ts';
import { refusal } from './refusal.ts';

/** Every command with its options. The code of a command is loaded when it runs. */
export function createProgram(): Command {
  const program = new Command('mailbox-chat')
    .version(VERSION, '-v, --version', 'print the version')
    .configureOutput({ writeErr: () => {} }) // refusals are thrown
    .configureHelp({ optionDescription: (one) => new Help().optionDescription(one).replace(', preset: "::"', '') })
    .hook('preSubcommand', (_program, command) => settleEnvironment(command))
    .hook('preAction', (_program, command) => {
      if (command.opts()['logLevel'] === 'debug') showStacks();
      refuseContradictions(command);
    });
  program.exitOverride((error) => {
    throw refusal(error, program);
  });

  const add = (usage: string, description: string, ...options: readonly Option[]): Command => {
    const command = program.command(usage).description(description);
    for (const option of [...options, logLevel]) command.addOption(option);
    return command.exitOverride((error) => {
      throw refusal(error, command);
    });
  };

  const mail = [dir, store, maxMessage];
  const serve = add('serve', 'serve the chat (the default)', port, ...serving, ...mail);
  serve.action(async (values, command) => {
    const isPortGiven = command.getOptionValueSource('port') !== 'default';
    await (await import('./serve.ts')).serve({ ...values, isPortGiven });
  });
  add('send <who> <text...>', 'put a message into a mailbox; needs no server', ...sending, ...mail).action(
    async (who, text, values) => (await import('./send.ts')).send(who, text.join(' '), values),
  );
  add('tail <who>', 'print mail as it comes, or hand it to --exec', ...tailing, dir, store).action(
    async (who, values) => (await import('./tail.ts')).tail(who, values),
  );
  add('invite <who>', 'print a link that lets a person in; their earlier link ends', url, port, dir).action(
    async (who, values) => (await import('./invite.ts')).invite(who, values),
  );
  add('revoke <who>', "end a person's link", dir).action(async (who, values) =>
    (await import('./invite.ts')).revoke(who, values),
  );
  add('people', 'print who has a link', dir).action(async (values) => (await import('./invite.ts')).people(values));
  add('doctor [url]', 'say what is wrong with the mailboxes, a server or its proxy', ...examining, dir).action(
    async (address, values) => (await import('./doctor.ts')).doctor(address, values),
  );
  add('backup <dir>', 'copy the mailboxes to a new directory; a server may be running', dir).action(
    async (target, values) => (await import('./backup.ts')).backup(target, values),
  );
  add('migrate', 'copy mail and marks from files to a NATS cluster; may be repeated', dir, store).action(
    async (values) => (await import('./migrate.ts')).migrate(values),
  );
  add('forget <who>', "delete a person's mailbox and the mail in it", dir, store).action(async (who, values) =>
    (await import('./forget.ts')).forget(who, values),
  );
  program.addHelpText('after', () => `\nOptions of serve:\n${serve.helpInformation().split('Options:\n')[1]}`);
  return program;
}

/** The command line with its command: `serve`, when it names none. */
export function withCommand(args: readonly string[]): string[] {
  const [first = '--'] = args;
  const isComplete = !first.startsWith('-') || ['-h', '--help', '-v', '--version'].includes(first);
  return isComplete ? [...args] : ['serve', ...args];
}

const YES = ['yes', 'true', '1', 'on'];
const NO = ['no', 'false', '0', 'off'];

/** An empty variable counts as not set, as usual. One that says no must not turn an option on. */
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

/** A misspelt MAILBOX_ACCESS would let everybody in. Kubernetes sets variables of its own for a service called mailbox. */
function refuseUnknownVariables(known: readonly string[]): void {
  for (const [name, text = ''] of Object.entries(process.env)) {
    if (!name.startsWith('MAILBOX_') || text === '' || known.includes(name)) continue;
    if (/_SERVICE_|_PORT_/.test(name) || /^(?:tcp|udp|sctp):/.test(text)) continue;
    const meant = closest(name.slice(8), known.map((each) => each.slice(8)).filter(Boolean));
    const question = meant ? ` Did you mean 'MAILBOX_${meant}'?` : '';
    throw new Ending(CONFIGURATION, `There is no variable ${name}.${question}`, ['See: mailbox-chat --help']);
  }
}
