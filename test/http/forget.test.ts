import { expect, test } from '@jest/globals';
import request from 'supertest';
import { ADMINISTRATOR, CALLER_HEADER, callerHeader } from '../../src/access/caller.ts';
import type { Mailroom } from '../../src/http/mailroom.ts';
import { silent } from '../../src/words/logger.ts';
import type { MailboxStore } from '../../src/words/mailbox-store.ts';
import { openMailroom } from '../../src/mailbox-chat.ts';
import { readOptions } from '../../src/words/read-options.ts';

const METHODS = 'append drain read readBack isId compare ends mark marks watch ready close'.split(' ');

async function mailroomWith(abilities: Partial<MailboxStore>): Promise<Mailroom> {
  const methods = Object.fromEntries(METHODS.map((name) => [name, () => Promise.resolve()]));
  const store = { ...methods, ...abilities } as unknown as MailboxStore;
  const mailroom = await openMailroom(readOptions({ store, logger: silent })).owned();
  if (!mailroom) throw new Error('a store of its own has an owner: this process');
  return mailroom;
}

test('A store that cannot forget a mailbox refuses and says why', async () => {
  const { answerPassed } = await mailroomWith({});

  const answer = await request(answerPassed)
    .delete('/mailbox?receiver=henry')
    .set(CALLER_HEADER, callerHeader(ADMINISTRATOR));

  expect(answer.status).toBe(404);
  expect(answer.body.message).toMatch(/^This store cannot delete a mailbox: the mail of henry is still there/);
});

test('Only a command may forget a mailbox, whatever else a caller may do', async () => {
  const forgotten: string[] = [];
  const { answerPassed } = await mailroomWith({ forget: async (mailbox) => void forgotten.push(mailbox) });
  const { administers: _, ...everybody } = ADMINISTRATOR;

  const answer = await request(answerPassed)
    .delete('/mailbox?receiver=henry')
    .set(CALLER_HEADER, callerHeader(everybody));

  expect(answer.status).toBe(403);
  expect(forgotten).toEqual([]);
});
