import { appendFileSync } from 'node:fs';
import { expect, jest, test } from '@jest/globals';
import { MailboxDirectory } from '../support/store-files.ts';
import { henry, letter } from '../support/store-mail.ts';
import type { Ability, OpenStore } from './contract/open-store.ts';
import { describeMailboxStore } from './describe-mailbox-store.ts';

jest.setTimeout(30_000);

const ABILITIES: readonly Ability[] = ['foreign mail', 'one order', 'forget'];

// eslint-disable-next-line typescript/require-await -- another store may have to wait
async function open(): Promise<OpenStore> {
  const directory = new MailboxDirectory();
  let clockMs: number | undefined;
  const openAgain = () => directory.open({ now: () => clockMs ?? Date.now() });
  const store = openAgain();
  return {
    store,
    async reopen() {
      await store.close();
      return openAgain();
    },
    appendForeign(mailbox, text) {
      appendFileSync(directory.file(mailbox), `data: ${text}\n\n`);
    },
    setClock(ms) {
      clockMs = ms;
    },
    remove: () => directory.remove(),
  };
}

describeMailboxStore('FileMailboxes', open, ABILITIES);

test('closing again waits for work that the first call waits for', async () => {
  const directory = new MailboxDirectory();
  const store = directory.open();
  let isStored = false;
  void store.append(henry, letter('hi')).then(() => (isStored = true));

  void store.close();
  await store.close();

  expect(isStored).toBe(true);
  await directory.remove();
});
