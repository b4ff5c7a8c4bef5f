import { expect, test } from '@jest/globals';
import { forgetIn } from '../../src/command/forget.ts';
import type { MailboxStore } from '../../src/mailbox-store.ts';
import { henry } from '../support/store-mail.ts';

test('Forgetting is refused, with the reason, by a store that has no way to forget', async () => {
  const store = { read: () => Promise.resolve({ events: [], gap: false }) } as unknown as MailboxStore;

  await expect(forgetIn(store, henry)).rejects.toThrow(/This store cannot forget: the mail of henry is still there/);
});
