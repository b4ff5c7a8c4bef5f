import type { Command, CommanderError } from 'commander';
import { CONFIGURATION, Ending, USAGE } from './ending.ts';

const WRONG_VALUE = /(--[\w-]+)[^']*' (?:argument|value) '[^]*?'(?: from env '(\w+)')? is invalid\. ([^]*)$/;

/** An error of commander in our words. Returns help and version, which exit with 0, as they are. */
export function refusal(error: CommanderError, command: Command): Error {
  if (error.exitCode === 0) return error;
  const [, flag, variable, problem] = WRONG_VALUE.exec(error.message) ?? [];
  if (problem !== undefined) return new Ending(variable ? CONFIGURATION : USAGE, `${variable ?? flag} ${problem}`);
  const name = command.parent && command.name() !== 'serve' ? `${command.name()} ` : '';
  return new Ending(USAGE, sentence(error, command), [`See: mailbox-chat ${name}--help`]);
}

function sentence({ code, message }: CommanderError, command: Command): string {
  const { args, registeredArguments: known } = command;
  const name = `'${command.name()}'`;
  if (code === 'commander.missingArgument') return `${name} needs ${known.map((one) => `<${one.name()}>`).join(' ')}.`;
  if (code === 'commander.optionMissingArgument') {
    return `${/--[\w-]+/.exec(message)?.[0]} needs ${/<.*>/.exec(message)?.[0]}.`;
  }
  if (code === 'commander.excessArguments') {
    const extra = args[known.length];
    const isCommand = command.parent?.commands.some((one) => one.name() === extra);
    return `${name} does not take '${extra}'${isCommand ? ': put the command first' : ''}.`;
  }
  if (code === 'commander.help') return `Unknown command '${args[1]}'.`;

  const [, flag = ''] = /^error: unknown option '(.*)'/.exec(message) ?? [];
  const others = command.parent?.commands.filter(({ options }) => options.some(({ long }) => long === flag)) ?? [];
  if (others.length > 0)
    return `'${flag}' is for '${others.map((one) => one.name()).join("' and '")}', not for ${name}.`;
  return withSuggestion(message);
}

/** `error: unknown option '--prot'\n(Did you mean --port?)` */
function withSuggestion(message: string): string {
  const [what = '', names] = message.replace('error: ', '').split(/\n\(Did you mean (?:one of )?|\?\)$/);
  const question = names ? ` Did you mean '${names.replaceAll(', ', "' or '")}'?` : '';
  return `${what.charAt(0).toUpperCase()}${what.slice(1)}.${question}`;
}
