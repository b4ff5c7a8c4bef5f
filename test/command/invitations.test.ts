import { expect, test } from '@jest/globals';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type AccessOptions, type AccessSettings, accessSettings } from '../../src/command/access.ts';
import { run, withMailboxes } from './running.ts';

function settled({ host = '127.0.0.1', access = 'auto', ...others }: Partial<AccessOptions>): AccessSettings {
  return accessSettings({ host, access, allowedHost: [], openToEveryone: false, trustProxy: false, ...others });
}

test('Requires links at every address that is not of this computer', () => {
  expect(settled({ host: '127.0.0.1' }).access).toBe('open');
  expect(settled({ host: '::1' }).access).toBe('open');
  expect(settled({ host: '::' }).access).toBe('links');
  expect(settled({ host: '192.168.1.2' }).access).toBe('links');
  expect(settled({ access: 'links' }).access).toBe('links');
  expect(settled({ trustProxy: true }).access).toBe('links');
  expect(settled({ trustProxy: true, access: 'open' }).access).toBe('open');
});

test('Lets everybody in only if the option is written in full', () => {
  expect(settled({ host: '::', openToEveryone: true })).toEqual({ access: 'open', allowedHosts: ['*'] });
});

test('An invitation is a link with its key after the #, and the directory keeps no key', async () => {
  const { cwd } = withMailboxes();

  const { code, stdout } = await run(['invite', 'Mina', '--url', 'https://chat.example/x'], { cwd });

  expect(code).toBe(0);
  const [, key = ''] = /^https:\/\/chat\.example\/x\/chat\.html#key=([\w-]{22,})\n$/.exec(stdout) ?? [];
  expect(key).not.toBe('');
  const file = join(cwd, 'mailboxes', '.access', 'people.json');
  expect(readFileSync(file, 'utf8')).not.toContain(key);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700);
});

test('Lists people until their invitation is revoked', async () => {
  const { cwd } = withMailboxes();
  await run(['invite', 'mina'], { cwd });
  await run(['invite', 'henry'], { cwd });

  expect((await run(['people'], { cwd })).stdout.split('\n').filter(Boolean).toSorted()).toEqual(['henry', 'mina']);
  expect((await run(['revoke', 'mina'], { cwd })).code).toBe(0);
  expect((await run(['people'], { cwd })).stdout).toBe('henry\n');
  expect((await run(['revoke', 'mina'], { cwd })).code).toBe(1);
});
