import { jest } from '@jest/globals';
import { MailboxDirectory } from '../support/store-files.ts';
import { describeMailboxStore } from './describe-mailbox-store.ts';

jest.setTimeout(30_000);

// eslint-disable-next-line typescript/require-await -- another store may have to wait
describeMailboxStore('FileMailboxes', async () => {
  const directory = new MailboxDirectory();
  const store = directory.open();
  return {
    store,
    async reopen() {
      await store.close();
      return directory.open();
    },
    // eslint-disable-next-line typescript/require-await -- as above
    async another() {
      return directory.open();
    },
    remove: () => directory.remove(),
  };
});
