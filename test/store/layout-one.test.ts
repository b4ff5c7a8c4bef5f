import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { claimLayout, convertLayoutOne } from '../../src/files/layout-one.ts';
import { mailboxesIn } from '../../src/files/mailbox-paths.ts';
import { silent } from '../../src/words/logger.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { listing, temporaryDirectory } from '../support/directory.ts';
import { OLD_DIRECTORIES, layOut, oldDirectory, readingsOf, type OldDirectory } from '../support/old-directory.ts';
import { henry, letter, readAll, textOf } from '../support/store-mail.ts';
import { until } from '../support/until.ts';

function laidOut(name: string): { old: OldDirectory; dir: string } {
  const old = oldDirectory(name);
  const dir = temporaryDirectory();
  layOut(old, dir);
  return { old, dir };
}

function opened(dir: string, { now }: OldDirectory): FileMailboxes {
  const store = new FileMailboxes(dir, { watch: false, now: () => now });
  afterThisTest(() => store.close());
  return store;
}

async function convert(dir: string, { now }: OldDirectory): Promise<void> {
  claimLayout(dir);
  await convertLayoutOne(dir, { logger: silent, now: () => now });
}

describe.each(OLD_DIRECTORIES)('a directory of version 1 (%s)', (state) => {
  test('gives the events of version 1, with their ids and times, and its marks', async () => {
    const { old, dir } = laidOut(state);
    const store = opened(dir, old);

    for (const [name, reading] of readingsOf(old)) {
      const { oldest } = await store.ends(name);
      const events = await until('all of it', async () => {
        const read = await readAll(store, name);
        return read.length >= reading.events.length ? read : undefined;
      });

      expect(oldest).toBe(reading.oldest);
      expect(events).toEqual(reading.events);
      expect(await store.marks(name)).toEqual(reading.marks);
    }
  });

  test('gives the same when it is opened again, and accepts new mail', async () => {
    const { old, dir } = laidOut(state);
    const first = opened(dir, old);
    const before = await readAll(first, henry);
    await first.close();

    const store = opened(dir, old);

    expect(await readAll(store, henry)).toEqual(before);
    await store.append(henry, letter('goes on'));
    expect((await readAll(store, henry)).slice(before.length).map(textOf)).toEqual(['goes on']);
  });

  test('contains nothing of version 1 any more', async () => {
    const { old, dir } = laidOut(state);

    await convert(dir, old);

    expect(readFileSync(join(dir, '.layout'), 'utf8')).toBe('2\n');
    for (const name of ['.live', '.torn', '.converting']) expect(existsSync(join(dir, name))).toBe(false);
    for (const name of mailboxesIn(dir)) {
      const taken = existsSync(join(dir, '.taken', name)) ? readdirSync(join(dir, '.taken', name)) : [];
      const delivered = existsSync(join(dir, '.delivered', name)) ? readdirSync(join(dir, '.delivered', name)) : [];
      expect(taken.filter((file) => !/^new-\d{15}-\w+_\d+\.txt$/.test(file))).toEqual([]);
      expect(delivered.filter((file) => !/^[\d.-]+_[\d.-]+\.(?:log|txt)$/.test(file))).toEqual([]);
    }
    const others = Object.keys(old.files).filter((path) => path.startsWith('.marks/') || path.startsWith('.access/'));
    for (const path of others) expect(readFileSync(join(dir, path), 'utf8')).toBe(old.files[path]);
  });

  test('is not changed by a second conversion', async () => {
    const { old, dir } = laidOut(state);
    await convert(dir, old);
    const before = listing(dir);
    writeFileSync(join(dir, '.converting'), '');

    await convert(dir, old);

    expect(listing(dir)).toEqual(before);
  });
});

describe('a conversion', () => {
  test('brings in once what a program later writes into a take', async () => {
    const { old, dir } = laidOut('open-for-long');
    const [take] = readdirSync(join(dir, '.taken/henry'));
    const fd = openSync(join(dir, '.taken/henry', take!), 'a');
    afterThisTest(() => closeSync(fd));
    await convert(dir, old);
    writeSync(fd, '\n\ndata: during\n\n');

    const store = opened(dir, old);
    const read = await readAll(store);
    writeSync(fd, 'data: after\n\n');

    const { events } = old.read['henry']!;
    expect(read.map(({ data }) => data)).toEqual([...events.map(({ data }) => data), 'unfinished', 'during']);
    await until('late mail', async () => (await readAll(store)).at(-1)?.data === 'after');
    expect(await readAll(store)).toHaveLength(read.length + 1);
  });

  test('removes takes that are all in the log and that nobody has open', async () => {
    const { old, dir } = laidOut('doubled');

    await convert(dir, old);

    expect(readdirSync(join(dir, '.taken/henry'))).toEqual([]);
  });

  test('keeps the keys of accepted messages', async () => {
    const { old, dir } = laidOut('received');
    const store = opened(dir, old);
    const { id, data } = old.read['henry']!.events[0]!;
    const { message, key } = JSON.parse(data);

    expect(await store.append(henry, letter(message, { key }))).toMatchObject({ repeated: true, event: { id } });
  });

  test('leaves foreign text in the mailbox that it came to', async () => {
    const { old, dir } = laidOut('rooms');

    await convert(dir, old);

    expect(readFileSync(join(dir, 'only.foreign.txt'), 'utf8')).toBe(old.files['only.foreign.txt']);
    expect(existsSync(join(dir, '.taken/only.foreign'))).toBe(false);
  });

  test('leaves alone what is not a plain file, and converts the rest', async () => {
    const { old, dir } = laidOut('waiting');
    mkdirSync(join(dir, 'mina.txt'));
    symlinkSync('henry.txt', join(dir, 'jjeong.txt'));

    await convert(dir, old);

    expect(statSync(join(dir, 'henry.txt')).size).toBe(0);
    expect(lstatSync(join(dir, 'jjeong.txt')).isSymbolicLink()).toBe(true);
  });

  test('gives the new mailbox the mode of the old one', async () => {
    const { old, dir } = laidOut('waiting');
    chmodSync(join(dir, 'henry.txt'), 0o664);

    await convert(dir, old);

    expect(statSync(join(dir, 'henry.txt')).mode & 0o777).toBe(0o664);
  });

  test('waits until no server of version 1 is running', () => {
    const { dir } = laidOut('waiting');
    mkdirSync(join(dir, '.live'), { recursive: true });
    const live = join(dir, '.live', '77-abc.jsonl');
    writeFileSync(live, '');
    const before = listing(dir);

    expect(() => new FileMailboxes(dir)).toThrow(expect.objectContaining({ code: 'UNKNOWN_LAYOUT' }));
    expect(listing(dir)).toEqual(before);

    const longAgo = Date.now() / 1000 - 20;
    utimesSync(live, longAgo, longAgo);
    expect(() => claimLayout(dir)).not.toThrow();
  });

  test('does not hold up other work', async () => {
    const { old, dir } = laidOut('waiting');
    const text = old.files['henry.txt']!;
    writeFileSync(join(dir, 'henry.txt'), text + 'data: from a script\n\n'.repeat(200_000));
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    afterThisTest(() => clearInterval(timer));

    await convert(dir, old);

    expect(turns).toBeGreaterThan(20);
  });
});
