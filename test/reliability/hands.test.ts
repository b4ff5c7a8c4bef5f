import { describe, expect, test } from '@jest/globals';
import { chmodSync, chownSync, renameSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sh, testWithMounts, testWithOtherUser } from '../faults/kit/fault-test.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { run } from '../command/running.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { Listener, listen } from '../support/listener.ts';
import { layOut, oldDirectory } from '../support/old-directory.ts';
import { say } from '../support/requests.ts';
import { requires } from '../support/requires.ts';
import { textOf } from '../support/store-mail.ts';
import { until } from '../support/until.ts';
import { startChat } from './kit/chat-command.ts';
import { asRoot, fromThread, inChroot, throughBindMount, type LateWriter } from './kit/late-writer.ts';
import { everything, mailboxFile, post } from './kit/mail.ts';

/** Longer than a piece that nobody has open stays in place. */
const LONG_PAUSE_MS = 11_000;

requires(
  'unshare',
  'perl',
  'python3',
  'root',
)(
  'what a program appends after a long pause is shown, whatever way it had the mailbox open',
  async () => {
    const chat = await startChat();
    const writers: Readonly<Record<string, LateWriter>> = {
      mount: throughBindMount(chat.dir, temporaryDirectory(), 'mount'),
      chroot: inChroot(chat.dir, 'chroot'),
      thread: fromThread(chat.dir, 'thread'),
    };
    const names = Object.keys(writers);
    const listeners = await Promise.all(names.map((name) => listen(`${chat.url}/status?receiver=${name}`)));
    for (const writer of Object.values(writers)) await writer.append('before');
    for (const listener of listeners) await listener.textsUpTo('before');

    await pause(LONG_PAUSE_MS); // the long pause is the fault
    for (const writer of Object.values(writers)) await writer.append('after the pause');

    const later = listeners.map((listener) => listener.textsUpTo('after the pause').catch(() => ['nothing']));
    const shown = await Promise.all(later);
    expect(names.map((name, i) => [name, shown[i]])).toEqual(names.map((name) => [name, ['after the pause']]));
  },
  60_000,
);

describe('no message is accepted into a directory that is no longer served', () => {
  test.each(['away', 'listening'])(
    'because it was moved away and a copy is in its place (receiver %s)',
    async (receiver) => {
      const dir = join(temporaryDirectory(), 'mailboxes');
      const first = await startChat({ dir });
      await say(first, 'jjeong', 'henry', 'before');
      if (receiver === 'listening') await listen(`${first.url}/status?receiver=henry`);

      renameSync(dir, `${dir}.moved`);
      sh(`cp -a ${dir}.moved/. ${dir}`); // the server may have made it again by now
      const accepted = ['before'];
      const endMs = performance.now() + 3000;
      for (let i = 0; performance.now() < endMs; i += 1) {
        const { status } = await post(first, { sender: 'jjeong', receiver: 'henry', message: `${i}`, key: `${i}` });
        if (status === 201) accepted.push(`${i}`);
        await pause(50); // as often as a person would try again
      }
      await first.end();

      const chat = await startChat({ dir });
      expect(await everything(chat)).toEqual(accepted);
    },
  );
});

describe('a running server works again within 5 s', () => {
  const removals: [string, (dir: string) => Promise<unknown>][] = [
    ['a cleaner removes empty directories', cleanUpEmpty],
    ['the directory of locks is removed', (dir) => rm(join(dir, '.locks'), { recursive: true })],
    [
      'the whole directory is deleted and made again',
      async (dir) => {
        await rm(dir, { recursive: true });
        await mkdir(dir, { mode: 0o700 });
      },
    ],
  ];
  test.each(removals)('when %s', async (_, remove) => {
    const first = await startChat();
    await say(first, 'jjeong', 'mina', 'before');

    await remove(first.dir);

    const sendsTo = (receiver: string) => async (): Promise<boolean> =>
      (await post(first, { sender: 'jjeong', receiver, message: 'after', key: 'after' })).status < 300;
    await until('mail to be accepted', sendsTo('mina'), 5000);
    const listener = await listen(`${first.url}/status?receiver=henry`);
    await until('mail to be accepted for who listens', sendsTo('henry'), 5000);
    expect((await listener.textsUpTo('after')).filter((text) => !text.startsWith('<'))).toEqual(['after']);
    await first.end();
    const chat = await startChat({ dir: first.dir });
    expect(await everything(chat)).toEqual(['after']);
    expect((await everything(chat, 'mina')).at(-1)).toBe('after');
  });
});

/** Like tmpreaper and systemd-tmpfiles. Does so repeatedly, since a directory is empty only now and then. */
async function cleanUpEmpty(dir: string): Promise<void> {
  for (let i = 0; i < 20; i += 1) {
    sh(`find ${dir} -mindepth 1 -type d -empty -delete`);
    await pause(20); // how often it runs
  }
}

const OWN_MOUNTS = ['unshare', '--mount', 'sh', '-c'];

testWithMounts('a mailbox that is a mount point is read and written like any other', async () => {
  const dir = temporaryDirectory();
  const outside = join(temporaryDirectory(), 'outside.txt');
  sh(`touch ${outside} ${mailboxFile({ dir })}`);
  const through = [...OWN_MOUNTS, `mount --bind ${outside} ${mailboxFile({ dir })} && exec "$@"`, 'sh'];
  const chat = await startChat({ dir, through });

  await say(chat, 'jjeong', 'henry', 'while away');
  const listener = await listen(`${chat.url}/status?receiver=henry`);
  expect(await listener.textsUpTo('while away')).toEqual(['while away']);
  await say(chat, 'jjeong', 'henry', 'while here');
  expect(await listener.textsUpTo('while here')).toEqual(['while here']);
  sh(`printf '\\n\\ndata: from outside\\n\\n' >> ${outside}`);
  expect(await listener.textsUpTo('from outside')).toEqual(['from outside']);
});

testWithMounts('a mailbox that is a mount point is reported at the start and by doctor', async () => {
  const dir = temporaryDirectory();
  const outside = join(temporaryDirectory(), 'outside.txt');
  sh(`touch ${outside} ${mailboxFile({ dir })}`);
  const through = [...OWN_MOUNTS, `mount --bind ${outside} ${mailboxFile({ dir })} && exec "$@"`, 'sh'];
  const chat = await startChat({ dir, through });

  const { stdout } = await run(['doctor', '--json', '--dir', dir], { through });
  const { stderr } = await chat.end();

  expect(stderr).toContain('henry.txt');
  expect(stdout).toContain('henry.txt');
});

const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

testWithOtherUser('what another user appends with umask 022 is shown, and mail is accepted', async () => {
  const dir = nobodysDirectory();
  const chat = await startChat({ dir, through: AS_NOBODY });

  sh(`umask 022; printf '\\n\\ndata: from root\\n\\n' >> ${mailboxFile({ dir })}`);
  await say(chat, 'jjeong', 'henry', 'while away');
  const listener = await listen(`${chat.url}/status?receiver=henry`);
  await say(chat, 'jjeong', 'henry', 'while here');

  expect(await listener.textsUpTo('while here')).toEqual(['from root', 'while away', 'while here']);
});

testWithOtherUser('what another user writes to a read-only file is shown once, however late', async () => {
  const dir = nobodysDirectory();
  const first = await startChat({ dir, through: AS_NOBODY });
  const writer = asRoot(dir, 'henry');
  await writer.append('first');
  await say(first, 'jjeong', 'henry', 'ours'); // takes the file

  await writer.append('late');
  const listener = await listen(`${first.url}/status?receiver=henry&since=all`);

  expect(await listener.textsUpTo('late')).toEqual(['first', 'ours', 'late']);
  await first.end('SIGKILL');
  const chat = await startChat({ dir, through: AS_NOBODY });
  await writer.append('after a kill');
  const again = await listen(`${chat.url}/status?receiver=henry&since=all`);
  expect(await again.textsUpTo('after a kill')).toEqual(['first', 'ours', 'late', 'after a kill']);
});

testWithOtherUser('a mailbox of another user that cannot be read works again once it can', async () => {
  const dir = nobodysDirectory();
  const chat = await startChat({ dir, through: AS_NOBODY });
  sh(`umask 077; printf '\\n\\ndata: from root\\n\\n' >> ${mailboxFile({ dir })}`);
  const listener = new Listener(`${chat.url}/status?receiver=henry`);
  const first = await listener.next();
  listener.close();

  const other = await post(chat, { sender: 'jjeong', receiver: 'mina', message: 'to another mailbox' });
  await post(chat, { sender: 'jjeong', receiver: 'henry', message: 'meanwhile' }); // each is either refused, or accepted and kept
  sh(`chmod 644 ${mailboxFile({ dir })}`);

  expect(first.type).toBe('bye'); // they come back later, with unknown content
  expect(other.status).toBe(201);
  await until('mail to be accepted', async () => {
    const { status } = await post(chat, { sender: 'jjeong', receiver: 'henry', message: 'after', key: 'after' });
    return status < 300;
  });
  expect((await everything(chat)).filter((text) => text !== 'meanwhile')).toEqual(['from root', 'after']);
});

testWithOtherUser('a mailbox that cannot be read is reported at the start and by doctor', async () => {
  const dir = nobodysDirectory();
  sh(`umask 077; printf '\\n\\ndata: from root\\n\\n' >> ${mailboxFile({ dir })}`);
  const chat = await startChat({ dir, through: AS_NOBODY });

  const { stdout } = await run(['doctor', '--json', '--dir', dir], { through: AS_NOBODY });
  const { stderr } = await chat.end();

  expect(stderr).toContain('henry.txt');
  expect(stdout).toContain('henry.txt');
});

testWithOtherUser('a mailbox of version 1 that cannot be read holds up no other, and works once it can', async () => {
  const dir = nobodysDirectory();
  layOut(oldDirectory('taken'), dir);
  sh(`chown -R 65534:65534 ${dir} && chown root ${mailboxFile({ dir })} && chmod 600 ${mailboxFile({ dir })}`);
  const chat = await startChat({ dir, through: AS_NOBODY });

  const toMina = await post(chat, { sender: 'jjeong', receiver: 'mina', message: 'to another mailbox' });
  const toHenry = await post(chat, { sender: 'jjeong', receiver: 'henry', message: 'refused' });
  sh(`chown nobody ${mailboxFile({ dir })}`);
  await say(chat, 'jjeong', 'henry', 'after');

  expect([toMina.status, toHenry.status]).toEqual([201, 503]);
  const before = oldDirectory('taken').read['henry']!.events.map(textOf);
  expect(await everything(chat)).toEqual([...before, 'after']);
  expect((await chat.end()).stderr).toContain('henry.txt');
});

function nobodysDirectory(): string {
  const dir = temporaryDirectory();
  chmodSync(dir, 0o700);
  chownSync(dir, 65_534, 65_534);
  return dir;
}

test('a copy of the directory that was made with hard links does no harm', async () => {
  const chat = await startChat();
  await say(chat, 'jjeong', 'henry', 'while away');
  const listener = await listen(`${chat.url}/status?receiver=mina`);
  await say(chat, 'jjeong', 'mina', 'while here');
  await listener.textsUpTo('while here');

  sh(`cp -al ${chat.dir} ${join(temporaryDirectory(), 'copy')}`);

  for (const receiver of ['henry', 'mina']) await say(chat, 'jjeong', receiver, 'after the copy');
  expect(await everything(chat)).toEqual(['while away', 'after the copy']);
  expect(await everything(chat, 'mina')).toEqual(['while here', 'after the copy']);
});
