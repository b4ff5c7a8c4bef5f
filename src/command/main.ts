import { endingOf, inWords, stackOf } from './ending.ts';
import { help } from './help.ts';
import { type Invocation, readInvocation } from './invocation.ts';
import type { Command } from './options.ts';
import { paintFor } from './terminal.ts';
import { VERSION } from '../version.ts';

// Loaded when needed: each command pays only for what it uses.
const run: Record<Command, (invocation: Invocation) => Promise<void>> = {
  serve: async (invocation) => (await import('./serve.ts')).serve(invocation),
  send: async (invocation) => (await import('./send.ts')).send(invocation),
  tail: async (invocation) => (await import('./tail.ts')).tail(invocation),
  invite: async (invocation) => (await import('./invite.ts')).invite(invocation),
  revoke: async (invocation) => (await import('./invite.ts')).revoke(invocation),
  people: async (invocation) => (await import('./invite.ts')).people(invocation),
  doctor: async (invocation) => (await import('./doctor.ts')).doctor(invocation),
  backup: async (invocation) => (await import('./backup.ts')).backup(invocation),
  migrate: async (invocation) => (await import('./migrate.ts')).migrate(invocation),
  forget: async (invocation) => (await import('./forget.ts')).forget(invocation),
};

let debugging = process.env['LOG_LEVEL'] === 'debug';

process.on('uncaughtException', end); // rejections nobody handled come here too
process.on('SIGXFSZ', () => {}); // a file size limit comes back as EFBIG instead of killing us
process.stdout.on('error', end);

await main().catch(end);

async function main(): Promise<void> {
  const invocation = readInvocation(process.argv.slice(2), process.env);
  if (invocation === 'help') return void process.stdout.write(help());
  if (invocation === 'version') return console.log(VERSION);

  debugging = invocation.settings['log-level'] === 'debug';
  await run[invocation.command](invocation);
}

function end(error: unknown): never {
  // Whoever read our output has gone (`tail | head`): nothing is left to say.
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE') process.exit(0);

  const ending = endingOf(error);
  process.stderr.write(inWords(ending, paintFor(process.stderr)));
  if (debugging) process.stderr.write(stackOf(error));
  process.exit(ending.exitCode);
}
