import { chownSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { mailboxChat, type MailboxChat } from '../../src/index.ts';
import { silent } from '../../src/words/logger.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { startChatProcess } from '../support/chat-process.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { history, say } from '../support/requests.ts';
import { requires } from '../support/requires.ts';
import { until } from '../support/until.ts';

function openChat(dir: string): MailboxChat {
  const chat = mailboxChat({ dir, logger: silent });
  afterThisTest(() => chat.close());
  return chat;
}

/** In the state in which a server leaves it. */
function ownedDirectory(): string {
  const dir = temporaryDirectory();
  mkdirSync(join(dir, '.owner'), { mode: 0o700 });
  return dir;
}

test('Processes share a directory whose path is too long for a socket', async () => {
  const dir = join(temporaryDirectory(), 'x'.repeat(100), 'y'.repeat(100));
  const [owner, front] = [await startChatProcess(dir), await startChatProcess(dir)];

  await say(front, 'jjeong', 'henry', 'hi');

  const { messages } = await history(owner, 'henry', 'jjeong');
  expect(messages.map(({ message }) => message)).toEqual(['hi']);
});

describe('a chat is not ready, and says why,', () => {
  requires('root')('if the socket belongs to another user', async () => {
    const dir = ownedDirectory();
    const stranger = createServer().listen(join(dir, '.owner/socket'));
    afterThisTest(() => stranger.close());
    await once(stranger, 'listening');
    chownSync(join(dir, '.owner/socket'), 65_534, 65_534);

    await expect(openChat(dir).ready()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('belongs to uid 65534'),
    });
  });

  test('if no socket can be made', async () => {
    const dir = temporaryDirectory();
    mkdirSync(join(dir, '.owner/socket', 'in-its-place'), { recursive: true });

    await expect(openChat(dir).ready()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining(`Can't use ${dir}`),
    });
  });

  test('if a server on another computer uses the directory', async () => {
    const dir = ownedDirectory();
    const host = join(dir, '.owner/host');
    writeFileSync(host, 'another computer');
    const touching = setInterval(() => utimesSync(host, new Date(), new Date()), 1000);
    afterThisTest(() => clearInterval(touching));

    await expect(openChat(dir).ready()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('a server on another computer uses it'),
    });
  });
});

test('A server that others can no longer find logs it, and works again when they can', async () => {
  const dir = temporaryDirectory();
  const { url } = await startChatProcess(dir);
  const socket = join(dir, '.owner/socket');
  const readiness = async (): Promise<number> => (await fetch(`${url}/readyz`)).status;
  await until('it is ready at first', async () => (await readiness()) === 200);
  rmSync(socket);
  mkdirSync(join(socket, 'in-its-place'), { recursive: true });
  await until('it is not ready', async () => (await readiness()) === 503);

  rmSync(socket, { recursive: true });
  await until('it is ready', async () => (await readiness()) === 200);

  expect(await say({ url }, 'jjeong', 'henry', 'hi')).toMatchObject({ state: 'sent' });
});

test('A directory that a server on another computer no longer uses can be used', async () => {
  const dir = ownedDirectory();
  writeFileSync(join(dir, '.owner/host'), 'another computer');

  await openChat(dir).ready();

  expect(readFileSync(join(dir, '.owner/host'), 'utf8')).not.toBe('another computer');
});

test('The owner shows other computers that it is alive', async () => {
  const dir = temporaryDirectory();
  await openChat(dir).ready();
  const host = join(dir, '.owner/host');
  utimesSync(host, 0, 0);

  const touched = await until('the owner to touch the file', () => statSync(host).mtimeMs > 0);

  expect(touched).toBe(true);
  rmSync(host);
});
