import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Invitations } from '../../src/access/invitations.ts';
import { personName } from '../../src/words/mailbox-name.ts';
import { document } from '../docs/kit/documents.ts';
import { Shell, run } from '../docs/kit/shell.ts';
import { buildPackage } from '../support/built-package.ts';
import { commandsOf, copyOf, pathOf } from '../support/example-copies.ts';
import { listen } from '../support/listener.ts';
import { history, say } from '../support/requests.ts';
import { requires } from '../support/requires.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';

const README = 'examples/recipes/README.md';
const EVIL = '"quotes" \'$HOME\' %s %d $(exit 1) `exit 1`\n\\n -e data: 안녕';

beforeAll(buildPackage);

/** The recipes beside the command, on the PATH, and a running chat. */
async function scene(access: 'open' | 'links' = 'open') {
  const dir = copyOf('recipes');
  const chat = await serveChat({ dir: join(dir, 'mailbox-chat'), access });
  const env = { PATH: `${dir}:${pathOf(dir)}`, MAILBOX_DIR: chat.dir, CHAT: chat.url, TEXT: EVIL };
  return { dir, chat, env };
}

/** A program with this name, for those on the PATH of a scene to run. */
function program(dir: string, name: string, lines: string): void {
  writeFileSync(join(dir, name), `#!/bin/sh\n${lines}\n`);
  chmodSync(join(dir, name), 0o755);
}

async function messagesTo(receiver: string, sender: string, chat: ServedChat): Promise<string[]> {
  return (await history(chat, receiver, sender)).messages.map(({ message }) => message);
}

describe('examples/recipes/cron.sh', () => {
  /** The command of the README's crontab, with a job of ours. */
  const [crontab] = document(README).blocks;
  const command = (job: string): string => crontab!.code.replace(/^[^]*cron\.sh (\w+) .*/, `cron.sh $1 ${job}`);

  test('sends what a job prints and that it failed, and nothing for a quiet one', async () => {
    const { dir, chat, env } = await scene();
    program(dir, 'quiet', 'exit 0');
    program(dir, 'backup', 'seq 3000; printf "%s\\n\\377\\n" "$TEXT" >&2; exit 3');

    const printed = await run(`${command('quiet')}\n${command('backup now')}`, { cwd: dir, env });

    const [message = '', ...others] = await messagesTo('henry', 'cron', chat);
    expect(others).toEqual([]);
    expect(message).toMatch(/^[\d\n]+3000\n/);
    expect(message.slice(message.indexOf('\n3000\n') + 6)).toBe(`${EVIL}\n\uFFFD\nbackup failed: exit code 3.`);
    expect(printed).toBe('');
  });

  test('prints what it could not send, for cron to mail', async () => {
    const { dir, env } = await scene();

    const { stdout, stderr } = await new Shell(command('printf %s "$TEXT"'), {
      cwd: dir,
      env: { ...env, MAILBOX_DIR: '/no/mailboxes' },
    }).ended();

    expect(stdout).toBe(`${EVIL}\n`);
    expect(stderr).toContain('There are no mailboxes at /no/mailboxes');
  });
});

describe('examples/recipes/tell@.service', () => {
  requires('systemd-analyze')('is a valid unit, and so is one that names it as its README says', async () => {
    const { dir } = await scene();
    const [, onFailure] = document(README).blocks;
    writeFileSync(join(dir, 'job.service'), `[Unit]\n${onFailure!.code}\n[Service]\nExecStart=/bin/true\n`);

    const found = await run('systemd-analyze verify --man=no "$PWD/job.service" "$PWD/tell@.service" 2>&1', {
      cwd: dir,
      env: { SYSTEMD_UNIT_PATH: `${dir}:` },
    });

    expect(found).toBe('');
  });

  test('sends the last lines of the unit that failed', async () => {
    const { dir, chat, env } = await scene();
    const unit = readFileSync(join(dir, 'tell@.service'), 'utf8');
    const [, setting = ''] = /^Environment=(.*)$/m.exec(unit) ?? [];
    const [, start = ''] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
    const filled = `${setting} exec ${start}`
      .replaceAll('%S', dirname(chat.dir))
      .replaceAll('%i', String.raw`'dev\x2dsda.mount'`)
      .replaceAll('$$', '$');
    program(dir, 'journalctl', 'seq 3000; printf "%s\\n" "$TEXT" "$*"');

    await run(filled, { cwd: dir, env, shell: 'sh' });

    const [message = ''] = await messagesTo('henry', 'systemd', chat);
    expect(basename(chat.dir)).toBe('mailbox-chat');
    expect(message).toMatch(/\n3000\n/);
    expect(message.slice(message.indexOf('\n3000\n') + 6)).toBe(
      `${EVIL}\n${String.raw`--unit dev\x2dsda.mount --lines 20 --output cat`}\n${String.raw`dev\x2dsda.mount`} failed.`,
    );
  });
});

describe('examples/recipes/post-receive', () => {
  requires('git', 'curl')('tells each push: new commits, a new branch, and one that is deleted', async () => {
    const { dir, chat, env } = await scene();
    const git = {
      ...env,
      ...Object.fromEntries(['AUTHOR', 'COMMITTER'].map((who) => [`GIT_${who}_NAME`, 'mina %s'])),
      GIT_AUTHOR_EMAIL: 'mina@example.org',
      GIT_COMMITTER_EMAIL: 'mina@example.org',
      GIT_CONFIG_GLOBAL: '/dev/null',
    };
    const work = `
      git init --quiet --bare shared.git
      cp post-receive shared.git/hooks/
      git clone --quiet shared.git clone 2>/dev/null
      cd clone
      commit() { git commit --quiet --allow-empty --message "$1" && git rev-parse --short HEAD; }
      commit first
      git push --quiet origin HEAD:news
      commit "$TEXT"
      commit third
      git push --quiet origin HEAD:news
      git push --quiet origin :news`;

    const [first, second, third] = (await run(work, { cwd: dir, env: git })).trim().split('\n');

    const subject = EVIL.replace('\n', ' ');
    expect(await messagesTo('henry', 'git', chat)).toEqual([
      `news:\n${first} mina %s: first`,
      `news:\n${third} mina %s: third\n${second} mina %s: ${subject}`,
      'news:\ndeleted',
    ]);
  });
});

describe(README, () => {
  requires('curl')('sends an alert, with a link where it takes one', async () => {
    const { dir, chat, env } = await scene('links');
    const [command = ''] = commandsOf(README);
    const invitations = new Invitations(chat.dir);
    const [key = '', asHenry = ''] = ['monitor', 'henry'].map((name) => invitations.invite(personName(name)));
    program(dir, 'df', String.raw`printf '%s\n\377\n\n' "$TEXT"`);
    program(dir, 'curl', 'printf "%s\\n" "$@" >>arguments; PATH=${PATH#*:} exec curl "$@"');

    const printed = await run(command, { cwd: dir, env: { ...env, KEY: key } });
    const refused = await new Shell(command, { cwd: dir, env: { ...env, KEY: 'another' } }).ended();

    const asked = await fetch(`${chat.url}/history?receiver=henry&sender=monitor`, {
      headers: { Authorization: `Bearer ${asHenry}` },
    });
    expect(await asked.json()).toMatchObject({ messages: [{ message: EVIL }] });
    expect(printed).toBe('');
    const seenByAll = readFileSync(join(dir, 'arguments'), 'utf8');
    expect(seenByAll).toContain('receiver=henry');
    expect([key, 'Bearer', 'quotes'].filter((secret) => seenByAll.includes(secret))).toEqual([]);
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('UNAUTHORIZED') });
  });

  test('has settings with which a monitor posts any text', async () => {
    const { chat } = await scene();
    const setting = (name: string): string =>
      new RegExp(`^\\| ${name} \\| \`(.*?)\``, 'm').exec(document(README).text)?.[1] ?? '';
    const headers = JSON.parse(setting('Additional Headers')) as Record<string, string>;
    const henry = await listen(`${chat.url}/status?receiver=henry`);

    await fetch(setting('Post URL').replace('http://localhost:2012', chat.url), {
      method: 'POST',
      headers,
      body: EVIL,
    });

    await say(chat, 'jjeong', 'henry', 'marker');
    expect(await henry.textsUpTo('marker')).toEqual([EVIL, 'marker']);
  });
});
