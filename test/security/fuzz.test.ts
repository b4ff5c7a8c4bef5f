import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { MailboxChatOptions } from '../../src/index.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import { silent } from '../../src/words/logger.ts';
import { listing, temporaryDirectory } from '../support/directory.ts';
import { say } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { fuzz } from './kit/fuzz.ts';
import { bearer, serveLinks } from './kit/links.ts';

/** The files that a data directory may have. */
const OURS = ['.layout', '.taken', '.delivered', '.marks', '.locks', '.access', '.changes', '.files', '.owner'];

interface Watched {
  readonly options: MailboxChatOptions;
  /**
   * Expects that nothing outside the data directory has changed, that it has only known files, and that no request has
   * failed.
   */
  readonly expectInOrder: () => void;
}

function watched(): Watched {
  const parent = temporaryDirectory();
  const dir = join(parent, 'mailboxes');
  mkdirSync(dir);
  writeFileSync(join(parent, 'henry.txt'), 'not a mailbox');
  const outside = (): string[] => listing(parent).filter((path) => !path.startsWith('mailboxes'));
  const before = outside();
  const errors: object[] = [];
  const logger = { ...silent, error: (fields: object, message: string) => void errors.push({ ...fields, message }) };
  const expectInOrder = (): void => {
    expect(errors).toEqual([]);
    expect(outside()).toEqual(before);
    for (const name of readdirSync(dir).filter((entry) => !OURS.includes(entry))) {
      expect(name).toMatch(/\.txt$/);
      expect(mailboxName(name.slice(0, -'.txt'.length)) + '.txt').toBe(name);
    }
  };
  return { options: { dir, logger }, expectInOrder };
}

const portOf = ({ server }: ServedChat): number => (server.address() as AddressInfo).port;

test('no request, whatever its form, makes the server fail or write outside the mailboxes', async () => {
  const { options, expectInOrder } = watched();
  const chat = await serveChat(options);

  const statuses = await fuzz({ ports: [portOf(chat)], requests: 1500 });

  expectInOrder();
  for (const status of [200, 201, 204, 400, 403, 404, 405, 413, 415]) expect([...statuses.keys()]).toContain(status);
  expect((await say(chat, 'henry', 'jjeong', 'still here')).state).toBe('sent');
});

test('the same holds with links, with a key and without', async () => {
  const { options, expectInOrder } = watched();
  const chat = await serveLinks(options);

  const statuses = await fuzz({
    ports: [portOf(chat)],
    requests: 1000,
    credentials: [bearer(chat.keys.henry), {}, { cookie: `mc_1_0123456789abcdef=${chat.keys.jjeong}` }],
  });

  expectInOrder();
  for (const status of [200, 400, 401, 403]) expect([...statuses.keys()]).toContain(status);
});
