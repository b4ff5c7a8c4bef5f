import { COMMANDS, type Option, OPTION_LIST } from './options.ts';

/** The text of --help. */
export function help(): string {
  const commands = Object.entries(COMMANDS).map(([name, { words, description }]) => [`${name} ${words}`, description]);
  const options = OPTION_LIST.map(([name, option]) => [flag(name, option), facts(option)]);
  return [
    'Usage: mailbox-chat [command] [options]',
    section('Commands', commands),
    section('Options', [...options, ['-h, --help', 'this text'], ['-v, --version', 'the version']]),
    'A flag wins over the environment, which wins over the default.\n',
  ].join('\n\n');
}

function flag(name: string, { short, value }: Option): string {
  return `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`;
}

function facts({ description, expects, env, value, fallback }: Option): string {
  const choices = expects.includes(',') ? `: ${expects}` : '';
  const origin = [env, value && fallback && `default ${fallback}`].filter(Boolean).join(', ');
  return `${description}${choices}${origin ? ` [${origin}]` : ''}`;
}

function section(title: string, rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([left = '']) => left.length)) + 2;
  return [`${title}:`, ...rows.map(([left = '', right]) => `  ${left.padEnd(width)}${right}`)].join('\n');
}
