import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { MailEvent } from '../../src/mailbox-store.ts';
import { MailboxDirectory } from '../support/store-files.ts';
import { Listener, numbered, readAll, textsOf } from '../support/store-mail.ts';

jest.setTimeout(120_000);

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROCESS = fileURLToPath(new URL('../support/store-process.mjs', import.meta.url));
const COUNT = 100;

const run = promisify(execFile);
let built: string;
let directory: MailboxDirectory;

/** Node cannot run the sources on every version: they are built into a directory of their own. */
beforeAll(() => {
  built = mkdtempSync(join(tmpdir(), 'mailbox-chat-built-'));
  writeFileSync(join(built, 'package.json'), '{"type":"module"}');
  symlinkSync(join(ROOT, 'node_modules'), join(built, 'node_modules'));
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
  spawnSync(tsc, ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(built, 'dist')]);
  if (!existsSync(storeModule())) throw new Error('the sources could not be built');
});

afterAll(() => rmSync(built, { recursive: true, force: true }));

beforeEach(() => {
  directory = new MailboxDirectory();
});

afterEach(() => directory.remove());

function storeModule(): string {
  return join(built, 'dist', 'files', 'file-mailboxes.js');
}

async function appendFrom(sender: string, listens: 'listens' | 'is away'): Promise<MailEvent[]> {
  const { stdout } = await run(process.execPath, [PROCESS, storeModule(), directory.path, sender, `${COUNT}`, listens]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as MailEvent);
}

describe('two processes on one directory', () => {
  test.each([
    ['is away', 'is away'],
    ['listens', 'is away'],
    ['listens', 'listens'],
  ] as const)(
    'append at once, where the receiver %s and %s: each message arrives once, in its order',
    async (one, two) => {
      const store = directory.open();
      const listener = await Listener.open(store);

      const appending = Promise.all([appendFrom('jjeong', one), appendFrom('mina', two)]);
      const seen = await listener.take(2 * COUNT);
      const [jjeongs, minas] = await appending;

      expect(await readAll(store)).toEqual(seen);
      expect(textsOf(seen).filter((text) => text.startsWith('jjeong'))).toEqual(numbered('jjeong', COUNT));
      expect(textsOf(seen).filter((text) => text.startsWith('mina'))).toEqual(numbered('mina', COUNT));
      // A message that waits while another goes straight into the log comes after it, under an id that says so.
      expect(dataOf(seen)).toEqual(dataOf([...jjeongs, ...minas]));
      const ids = seen.map(({ id }) => id);
      expect(new Set(ids).size).toBe(2 * COUNT);
      expect(ids.toSorted((a, b) => store.compare(a, b))).toEqual(ids);
    },
  );

  test('fill the mailbox of somebody who is away: each message waits once, under the id that was answered', async () => {
    const appended = (await Promise.all([appendFrom('jjeong', 'is away'), appendFrom('mina', 'is away')])).flat();

    const store = directory.open();
    const waiting = await readAll(store);

    expect(waiting).toEqual(appended.toSorted((a, b) => store.compare(a.id, b.id)));
  });
});

function dataOf(events: readonly MailEvent[]): string[] {
  return events.map(({ data }) => data).toSorted();
}
