import {
  appendFileSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { CommitSlots } from '../../src/files/commit-slots.ts';
import { DeliveredLog } from '../../src/files/delivered-log.ts';
import type { FileMailboxes, FileMailboxesOptions } from '../../src/files/file-mailboxes.ts';
import { MailboxPaths } from '../../src/files/mailbox-paths.ts';
import { TakenMail } from '../../src/files/taken-mail.ts';
import { silent } from '../../src/logger.ts';
import { Clock, MailboxDirectory, eventually } from '../support/store-files.ts';
import { Listener, appendAll, henry, letter, mina, numbered, readAll, textsOf } from '../support/store-mail.ts';

jest.setTimeout(30_000);

const logOptions = {
  segmentBytes: 1024 * 1024,
  keepMs: Infinity,
  keepBytes: Infinity,
  now: Date.now,
  slots: new CommitSlots(1),
};
const onLinux = process.platform === 'linux' ? test : test.skip;
const IDLE_MS = 3000;

let directory: MailboxDirectory;
let uptime: Clock;
let store: FileMailboxes;

beforeEach(() => {
  directory = new MailboxDirectory();
  uptime = new Clock(0);
});

afterEach(() => directory.remove());

function open(options: FileMailboxesOptions = {}): FileMailboxes {
  store = directory.open({ uptimeMs: uptime.now, ...options });
  return store;
}

async function reopen(options: FileMailboxesOptions = {}): Promise<FileMailboxes> {
  await store.close();
  return open(options);
}

function takes(name = 'henry'): string[] {
  const dir = directory.in('.taken', name);
  return existsSync(dir) ? readdirSync(dir) : [];
}

/** Leaves a take behind, as a process does that died right after its rename. */
function leaveTake(name: string, text: string | Buffer, mailbox = 'henry'): void {
  mkdirSync(directory.in('.taken', mailbox), { recursive: true });
  writeFileSync(directory.in('.taken', mailbox, name), text);
}

/** Lets the time of idle takes pass until `isOver`. */
async function whileTimePasses<T>(isOver: () => T | undefined | false): Promise<T> {
  const passing = setInterval(() => uptime.move(IDLE_MS), 50);
  try {
    return await eventually(isOver);
  } finally {
    clearInterval(passing);
  }
}

describe('a take', () => {
  test('is removed when it has been logged and is idle, and so is the empty directory', async () => {
    await appendAll(open(), ['one', 'two']);
    const events = await readAll(store);
    expect(takes()).toHaveLength(1);

    await whileTimePasses(() => !existsSync(directory.in('.taken', 'henry')));

    expect(await readAll(await reopen())).toEqual(events);
  });

  test('stays until it has been idle for 3 s, another one longer idle or not', async () => {
    open();
    leaveTake('1-other', 'data: hi\n\n', 'mina');
    await readAll(store, mina);
    uptime.move(1);
    await appendAll(store, ['one']);
    await readAll(store);

    uptime.move(IDLE_MS - 1);
    await eventually(() => takes('mina').length === 0);

    expect(takes()).toHaveLength(1);
  });

  onLinux('stays while somebody has it open, and what that one writes arrives', async () => {
    await appendAll(open(), ['one']);
    const writer = openSync(directory.file(), 'a');
    const listener = await Listener.open(store);
    await listener.next();
    leaveTake('1-other', 'data: hi\n\n', 'mina');
    await readAll(store, mina);

    await whileTimePasses(() => takes('mina').length === 0);
    expect(takes()).toHaveLength(1);
    writeSync(writer, 'data: late\n\n');
    expect(textsOf([await listener.next()])).toEqual(['late']);
    closeSync(writer);

    await whileTimePasses(() => takes().length === 0);
    expect(textsOf(await readAll(store))).toEqual(['one', 'late']);
  });

  onLinux('that is open outlives the store, and nothing of it is shown again', async () => {
    await appendAll(open(), ['one']);
    appendFileSync(directory.file(), 'data: two\n\n');
    const writer = openSync(directory.file(), 'a');
    await readAll(store);

    await reopen();
    writeSync(writer, 'data: three\n\n');
    closeSync(writer);

    expect(textsOf(await readAll(store))).toEqual(['one', 'two', 'three']);
    await whileTimePasses(() => takes().length === 0);
    expect(textsOf(await readAll(await reopen()))).toEqual(['one', 'two', 'three']);
  });

  test('goes with all the others of its mailbox, however many', async () => {
    const texts = numbered('theirs', 50);
    for (const [i, text] of texts.entries()) leaveTake(`${i + 1}-take${i}`, `data: ${text}\n\n`);
    const events = await readAll(open());

    uptime.move(IDLE_MS); // no more time than for one look at who has them open
    await eventually(() => !existsSync(directory.in('.taken', 'henry')));

    expect(textsOf(await readAll(await reopen()))).toEqual(texts);
    expect(await readAll(store)).toEqual(events);
  });

  test('that has been written to since it was found quiet is not removed', async () => {
    const paths = new MailboxPaths(directory.path, henry);
    const options = {
      ...logOptions,
      uptimeMs: uptime.now,
      logger: silent,
      kept: { count: 0 },
      onForeign: () => undefined,
    };
    const log = new DeliveredLog(paths, options, () => undefined);
    const taken = new TakenMail(paths, options, log);
    leaveTake('1-abc', 'data: one\n\n');
    taken.list();
    await taken.log();
    uptime.move(IDLE_MS);
    const quiet = taken.quiet();

    appendFileSync(directory.in('.taken', 'henry', '1-abc'), 'data: two\n\n');
    await taken.retire(quiet);
    expect(takes()).toEqual(['1-abc']);

    await taken.log();
    uptime.move(IDLE_MS);
    await taken.retire(quiet);
    expect(existsSync(directory.in('.taken', 'henry'))).toBe(false);
    expect(textsOf(log.read('0-0', 10).events)).toEqual(['one', 'two']);
    expect(options.kept.count).toBe(0);
    log.close();
  });

  test('of every drain comes in its turn', async () => {
    open();
    const expected = [];
    for (const text of numbered('theirs', 5)) {
      appendFileSync(directory.file(), `data: ${text}\n\n`);
      await store.append(henry, letter(`ours after ${text}`));
      expected.push(text, `ours after ${text}`);
      await store.read(henry);
    }

    expect(takes()).toHaveLength(5);
    expect(textsOf(await readAll(store))).toEqual(expected);
    expect(textsOf(await readAll(await reopen()))).toEqual(expected);
  });
});

describe('after a crash', () => {
  test('a take that was never logged is logged at the start, mailbox missing or not', async () => {
    const { event } = await open().append(henry, letter('ours'));
    appendFileSync(directory.file(), 'data: theirs\n\n');
    await store.close();
    mkdirSync(directory.in('.taken', 'henry'), { recursive: true });
    renameSync(directory.file(), directory.in('.taken', 'henry', '1-abc'));

    await open().ready();

    const log = readFileSync(directory.in('.delivered/henry/0-0.log'), 'utf8');
    expect(log).toContain(event.data);
    expect(log).toContain('data: theirs');
    expect(textsOf(await readAll(store))).toEqual(['ours', 'theirs']);
    await Listener.open(store);
    expect(statSync(directory.file()).size).toBe(0);
  });

  test('a message in a take that was never logged is known when it is sent again', async () => {
    const message = letter('ours');
    const first = await open().append(henry, message);
    await store.close();
    mkdirSync(directory.in('.taken', 'henry'), { recursive: true });
    renameSync(directory.file(), directory.in('.taken', 'henry', '1-abc'));

    const again = await open().append(henry, message);

    expect(again).toEqual({ event: first.event, repeated: true });
    expect(await readAll(store)).toEqual([first.event]);
  });

  test('the next id comes after those in a take that was never logged', async () => {
    const clock = new Clock();
    const first = await open({ now: clock.now }).append(henry, letter('first'));
    await store.close();
    mkdirSync(directory.in('.taken', 'henry'), { recursive: true });
    renameSync(directory.file(), directory.in('.taken', 'henry', '1-abc'));
    clock.move(-60_000);

    const second = await open({ now: clock.now }).append(henry, letter('second'));

    expect(store.compare(second.event.id, first.event.id)).toBeGreaterThan(0);
    expect(await readAll(store)).toEqual([first.event, second.event]);
  });

  test('takes are logged in the order of their numbers, not of their names', async () => {
    leaveTake('10-aaa', 'data: ten\n\n');
    leaveTake('9-zzz', 'data: nine\n\n');
    leaveTake('100-bbb', 'data: hundred\n\n');
    appendFileSync(directory.file(), 'data: newest\n\n');

    expect(textsOf(await readAll(open()))).toEqual(['nine', 'ten', 'hundred', 'newest']);
  });

  test('a take that was logged in part is logged from there', async () => {
    appendFileSync(directory.file(), 'data: one\n\ndata: two\n\n');
    await readAll(open());
    await store.close();
    appendFileSync(directory.in('.taken', 'henry', takes()[0]!), 'data: three\n\n');

    expect(textsOf(await readAll(open()))).toEqual(['one', 'two', 'three']);
  });

  test('a take whose batch was torn is logged once', async () => {
    appendFileSync(directory.file(), 'data: theirs\n\n');
    const { event } = await open().append(henry, letter('ours'));
    await readAll(store);
    await store.close();
    const log = directory.in('.delivered/henry/0-0.log');
    const bytes = readFileSync(log);

    for (let cut = 0; cut < bytes.length; cut += 7) {
      writeFileSync(log, bytes.subarray(0, cut));
      open({ watch: false });
      const events = await readAll(store);
      expect(textsOf(events)).toEqual(['theirs', 'ours']);
      expect(events[1]).toEqual(event);
      expect(await readAll(await reopen({ watch: false }))).toEqual(events);
      await store.close();
    }
  });

  test('a successor that was never linked is tidied away', async () => {
    await appendAll(open(), ['one']);
    mkdirSync(directory.in('.taken', 'henry'), { recursive: true });
    writeFileSync(directory.in('.taken', 'henry', 'successor-abc'), '');

    await Listener.open(store);

    expect(takes().filter((name) => name.startsWith('successor'))).toEqual([]);
    expect(textsOf(await readAll(store))).toEqual(['one']);
  });

  test('a successor that was linked and not unlinked makes no mailbox unusable', async () => {
    leaveTake('1-abc', 'data: taken\n\n');
    leaveTake('successor-abc', '');
    linkSync(directory.in('.taken', 'henry', 'successor-abc'), directory.file());

    const { event } = await open().append(henry, letter('ours'));

    const events = await readAll(store);
    expect(textsOf(events)).toEqual(['taken', 'ours']);
    expect(events[1]).toEqual(event);
    expect(statSync(directory.file()).nlink).toBe(1);
  });

  test('what else lies among the takes is left alone', async () => {
    leaveTake('notes.txt', 'data: not mail\n\n');
    leaveTake('1-ABC', 'data: not mail\n\n');
    mkdirSync(directory.in('.taken', 'henry', '2-dir'));
    mkdirSync(directory.in('.taken', 'Not A Name'));
    await appendAll(open(), ['one']);

    expect(textsOf(await readAll(store))).toEqual(['one']);
    expect(existsSync(directory.in('.taken', 'henry', 'notes.txt'))).toBe(true);
  });

  test('a take that vanishes is not missed', async () => {
    appendFileSync(directory.file(), 'data: one\n\n');
    const events = await readAll(open());
    rmSync(directory.in('.taken', 'henry', takes()[0]!));

    const { event } = await store.append(henry, letter('two'));

    expect(await readAll(store)).toEqual([...events, event]);
  });
});
