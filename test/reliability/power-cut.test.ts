import { describe, expect } from '@jest/globals';
import { DiskImage, testOnDisk } from '../faults/kit/disk-image.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { listen } from '../support/listener.ts';
import { history, say, type At } from '../support/requests.ts';
import { command, startChat } from './kit/chat-command.ts';
import { deliver, everything } from './kit/mail.ts';

const LINKS = ['--access', 'links'];

/** The key of a new invitation. */
async function invite(dir: string, name: string): Promise<string> {
  const printed = await command(dir, 'invite', name, '--url', 'http://localhost/');
  return /#key=([\w-]+)/.exec(printed)![1]!;
}

async function enter({ url }: At, key: string): Promise<number> {
  const request = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ key }) };
  return (await fetch(`${url}/session`, request)).status;
}

async function ticks(chat: At): Promise<string[]> {
  const { messages } = await history(chat, 'jjeong', 'henry');
  return messages.map(({ message, state }) => `${message}: ${state}`);
}

describe.each(['ext4', 'xfs'] as const)('when the power is cut, on %s', (fileSystem) => {
  const test = testOnDisk(fileSystem);

  test('received mail is not delivered again, and keeps its ticks', async () => {
    const disk = new DiskImage(fileSystem);
    const first = await startChat({ dir: disk.dir });
    await deliver(first, ['one', 'two']);
    const delivered = ['one: delivered', 'two: delivered'];
    expect(await ticks(first)).toEqual(delivered);
    await pause(1000); // marks are written late
    await say(first, 'jjeong', 'mina', 'elsewhere'); // the file system writes its journal, where a rename may come before the data of its file

    await disk.cutPower(first);
    const chat = await startChat({ dir: disk.dir });

    expect(await ticks(chat)).toEqual(delivered);
    const listener = await listen(`${chat.url}/status?receiver=henry`);
    await say(chat, 'jjeong', 'henry', 'three');
    expect(await listener.textsUpTo('three')).toEqual(['three']);
  });

  test('forgotten mail stays gone', async () => {
    const disk = new DiskImage(fileSystem);
    const first = await startChat({ dir: disk.dir });
    await deliver(first, ['a secret']);
    await say(first, 'jjeong', 'henry', 'another secret');
    disk.settle();

    await command(disk.dir, 'forget', 'henry');
    await disk.cutPower(first);
    const chat = await startChat({ dir: disk.dir });

    expect(await everything(chat)).toEqual([]);
  });

  test('invited people get in, and those with a revoked link do not', async () => {
    const disk = new DiskImage(fileSystem);
    const first = await startChat({ dir: disk.dir, args: LINKS });
    const mina = await invite(disk.dir, 'mina');
    expect(await enter(first, mina)).toBe(200);
    disk.settle();

    await command(disk.dir, 'revoke', 'mina');
    await disk.cutPower(first);
    const second = await startChat({ dir: disk.dir, args: LINKS });
    expect(await enter(second, mina)).toBe(401);

    const sora = await invite(disk.dir, 'sora');
    await disk.cutPower(second);
    const third = await startChat({ dir: disk.dir, args: LINKS });
    expect(await enter(third, sora)).toBe(200);
  });
});
