import { help } from './help.ts';
import { type Invocation, readInvocation } from './invocation.ts';
import type { Command } from './options.ts';
import { end, endOnErrors, showStacks } from './process-end.ts';
import { VERSION } from '../version.ts';

// Loaded when needed: each command pays only for what it uses.
const run: Record<Command, (invocation: Invocation) => Promise<void>> = {
  serve: async (invocation) => (await import('./serve.ts')).serve(invocation),
  send: async (invocation) => (await import('./send.ts')).send(invocation),
  tail: async (invocation) => (await import('./tail.ts')).tail(invocation),
  invite: async (invocation) => (await import('./invite.ts')).invite(invocation),
  revoke: async (invocation) => (await import('./invite.ts')).revoke(invocation),
  people: async (invocation) => (await import('./invite.ts')).people(invocation),
  doctor: async ({ words, settings }) => (await import('./doctor.ts')).doctor(words[0], settings),
  backup: async (invocation) => (await import('./backup.ts')).backup(invocation),
  migrate: async (invocation) => (await import('./migrate.ts')).migrate(invocation),
  forget: async (invocation) => (await import('./forget.ts')).forget(invocation),
};

endOnErrors();
await main().catch(end);

async function main(): Promise<void> {
  const invocation = readInvocation(process.argv.slice(2), process.env);
  if (invocation === 'help') return void process.stdout.write(help());
  if (invocation === 'version') return console.log(VERSION);

  if (invocation.settings['log-level'] === 'debug') showStacks();
  await run[invocation.command](invocation);
}
