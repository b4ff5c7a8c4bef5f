import { describe, expect } from '@jest/globals';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isErrno } from '../../src/words/mailbox-error.ts';
import { sh, testWithMounts, testWithStrace } from '../faults/kit/fault-test.ts';
import { Strace } from '../faults/kit/strace.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { listen } from '../support/listener.ts';
import { say, type At } from '../support/requests.ts';
import { until } from '../support/until.ts';
import { startChat } from './kit/chat-command.ts';
import { deliver, everything, mailboxFile, post, type Answer } from './kit/mail.ts';

/** A directory on its own file system. */
function mounted(options: string): string {
  const place = temporaryDirectory();
  sh(`mount -t tmpfs -o ${options} none ${place}`);
  afterThisTest(() => sh(`umount -l ${place}`));
  return place;
}

/** Makes files until no more can be made. Returns a function that frees the space. */
function useUpInodes(place: string): () => void {
  const dir = join(place, 'files-of-others');
  sh(`mkdir ${dir}`);
  try {
    for (let i = 0; ; i += 1) writeFileSync(join(dir, `${i}`), '');
  } catch (error) {
    if (!isErrno(error, 'ENOSPC')) throw error;
  }
  return () => rmSync(dir, { recursive: true });
}

async function readiness({ url }: At): Promise<number> {
  return (await fetch(`${url}/readyz`)).status;
}

const FAULTS: [name: string, options: string, make: (place: string) => () => void][] = [
  ['no file can be made', 'nr_inodes=80', useUpInodes],
  [
    'nothing can be written',
    'size=4m',
    (place) => {
      // A second mount over the first: a mount with open files cannot be made read-only.
      sh(`mount --bind ${place} ${place} && mount -o remount,bind,ro ${place}`);
      return () => sh(`umount -l ${place}`);
    },
  ],
];

describe.each(FAULTS)('while %s', (_, options, make) => {
  testWithMounts(
    'senders are told the reason at once, /readyz is not 200, and the server recovers by itself',
    async () => {
      const place = mounted(options);
      const dir = join(place, 'mailboxes');
      const first = await startChat({ dir });
      for (const receiver of ['henry', 'mina']) await deliver(first, ['before'], receiver);
      await first.end();
      const chat = await startChat({ dir });
      const listener = await listen(`${chat.url}/status?receiver=mina`);

      const mend = make(place);
      const toNew = await post(chat, { sender: 'jjeong', receiver: 'sora', message: 'meanwhile', key: 'a' });
      const others = await Promise.all(
        ['henry', 'mina'].map((receiver) => post(chat, { sender: 'jjeong', receiver, message: 'meanwhile', key: 'b' })),
      );
      const ready = await readiness(chat);
      mend();

      expect(toNew).toMatchObject({ status: 507 });
      expect(toNew.tookMs).toBeLessThan(2000);
      const isToldOrAccepted = ({ status }: Answer): boolean => status === 201 || status === 507;
      expect(others.every(isToldOrAccepted)).toBe(true);
      expect(ready).not.toBe(200);
      await until('/readyz to be 200', async () => (await readiness(chat)) === 200);
      for (const receiver of ['sora', 'henry', 'mina']) await say(chat, 'jjeong', receiver, 'after');
      expect((await listener.textsUpTo('after')).filter((text) => text !== 'meanwhile')).toEqual(['after']);
      expect((await everything(chat)).filter((text) => text !== 'meanwhile')).toEqual(['before', 'after']);
    },
  );
});

testWithStrace('senders get 507 when the quota is used up, and the server recovers by itself', async () => {
  const chat = await startChat();
  await say(chat, 'jjeong', 'henry', 'before');
  const paths = [mailboxFile(chat), join(chat.dir, '.locks', 'henry.lock')];
  const calls = ['write', 'pwrite64', 'mkdir', 'mkdirat'];
  await until('the lock to be free', () => !existsSync(paths[1]!));

  const quota = await Strace.attach(chat.pid, { calls, fault: 'error=EDQUOT', paths });
  const refused = await post(chat, { sender: 'jjeong', receiver: 'henry', message: 'meanwhile' });
  await quota.detach();
  quota.forget();

  expect(refused).toMatchObject({ status: 507 });
  await say(chat, 'jjeong', 'henry', 'after');
  expect(await everything(chat)).toEqual(['before', 'after']);
});
