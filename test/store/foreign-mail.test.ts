import { execFile, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import type { MailEvent } from '../../src/words/mailbox-store.ts';
import { Clock, MailboxDirectory } from '../support/store-files.ts';
import { Listener, appendAll, henry, letter, numbered, readAll, textsOf } from '../support/store-mail.ts';
import { until } from '../support/until.ts';

jest.setTimeout(30_000);

const run = promisify(execFile);
const MIB = 1024 * 1024;
const TAIL_COMPLETE_MS = 5000;

let directory: MailboxDirectory;
let store: FileMailboxes;
let uptime: Clock;

beforeEach(() => {
  directory = new MailboxDirectory();
  uptime = new Clock(0);
  store = directory.open({ uptimeMs: uptime.now });
});

afterEach(() => directory.remove());

function write(text: string | Uint8Array): void {
  appendFileSync(directory.file(), text);
}

/** Without times: foreign mail gets its final time when its mailbox is taken. */
function untimed(events: readonly MailEvent[]): Omit<MailEvent, 'time'>[] {
  return events.map(({ id, data, type }) => (type === undefined ? { id, data } : { id, data, type }));
}

describe('mail appended by', () => {
  const PHP = 'file_put_contents($argv[1], $argv[2], FILE_APPEND | LOCK_EX);';
  const BY_LINE = 'while IFS= read -r line; do printf "%s\\n" "$line"; done <<< "$2" >> "$1"; printf "\\n" >> "$1"';
  const writers: [name: string, append: (path: string, text: string) => Promise<unknown>][] = [
    ['fs.appendFile', (path, text) => appendFile(path, text)],
    ['dash', (path, text) => run('dash', ['-c', 'printf "%s" "$2" >> "$1"', 'dash', path, text])],
    ['bash, line by line', (path, text) => run('bash', ['-c', BY_LINE, 'bash', path, text])],
    ['php, with LOCK_EX', (path, text) => run('php', ['-r', PHP, '--', path, text])],
  ];
  const present = ([name]: (typeof writers)[number]): boolean =>
    name.startsWith('fs') || spawnSync(name.split(',')[0]!, ['--version']).error === undefined;

  for (const writer of writers) {
    const [name, append] = writer;
    const whenPresent = present(writer) ? test : test.skip;

    whenPresent(`${name} arrives once and in order, whether or not anybody listens`, async () => {
      const texts = numbered('안녕', 10);
      for (const text of texts.slice(0, 5)) await append(directory.file(), `data: ${text}\n\n`);
      const listener = await Listener.open(store);
      const first = await listener.take(5);

      for (const text of texts.slice(5)) await append(directory.file(), `data: ${text}\n\n`);
      const second = await listener.take(5);

      expect(textsOf([...first, ...second])).toEqual(texts);
      await until('the take', () => statSync(directory.file()).size === 0); // a last blank line may come after its event
      const kept = (await store.readBack(henry)).events.toReversed();
      expect(untimed(kept)).toEqual(untimed([...first, ...second]));
      for (const [i, { time }] of [...first, ...second].entries()) expect(kept[i]!.time).toBeGreaterThanOrEqual(time);
      expect(await readAll(await reopened())).toEqual(kept);
    });

    whenPresent(`${name} arrives while we append, too`, async () => {
      const listener = await Listener.open(store);

      await Promise.all([
        appendAll(store, numbered('ours', 10)),
        (async () => {
          for (const text of numbered('theirs', 10)) await append(directory.file(), `data: ${text}\n\n`);
        })(),
      ]);

      const texts = textsOf(await listener.take(20));
      expect(texts.filter((text) => text.startsWith('ours'))).toEqual(numbered('ours', 10));
      expect(texts.filter((text) => text.startsWith('theirs'))).toEqual(numbered('theirs', 10));
    });
  }

  test('a program that keeps the file open arrives, through many takes', async () => {
    await store.append(henry, letter('ours'));
    const fd = openSync(directory.file(), 'a');
    const listener = await Listener.open(store);
    await listener.next();

    for (const text of numbered('theirs', 3)) {
      writeSync(fd, `data: ${text}\n\n`);
      expect(textsOf([await listener.next()])).toEqual([text]);
      uptime.move(2000);
    }
    closeSync(fd);
  });

  test('the prototype of 2012 is shown unchanged', async () => {
    const data = '{sender:"jjeong", receiver:"henry", message:"안녕 henry}';
    write(`\n\nid: 1330000000\n\ndata: ${data}\n\n`);
    write(`\n\nid: 1330000000\n\ndata: ${data}\n\n`);

    expect((await readAll(store)).map((event) => event.data)).toEqual([data, data]);
  });
});

describe('foreign mail', () => {
  test.each<[text: string, expected: (string | { type: string; data: string })[]]>([
    ['data: hi\r\n\r\n', ['hi']],
    ['data: hi\r\r', ['hi']],
    ['data: a\r\ndata: b\rdata: c\n\n', ['a\nb\nc']],
    ['data: a\n\ndata: b\r\n\r\ndata: c\r\r', ['a', 'b', 'c']],
    ['\ufeffdata: after a BOM\n\n', ['after a BOM']],
    ['retry: 0\n\nretry: 1\ndata: hi\n\n', ['hi']],
    ['event: wakeup\ndata: hi\n\n', [{ type: 'wakeup', data: 'hi' }]],
    ['event: error\ndata: hi\n\n', ['hi']],
    ['event: bye\ndata: {"retryMs":0}\n\n', ['{"retryMs":0}']],
    ['event: a b\ndata: hi\n\n', ['hi']],
    ['data: one\ndata:\ndata: three\n\n', ['one\n\nthree']],
    ['data:\n\n', ['']],
    ['data: \n\n', ['']],
    ['data: \u2028 \u0000 \u0085\n\n', ['\u2028 \u0000 \u0085']],
    ['data: {"message":"hi"}\n\n', ['{"message":"hi"}']],
    [': comment\n\n\n\n\ndata: hi\n\n\n', ['hi']],
    ['id: 9999999999999999\ndata: hi\n\n', ['hi']],
    ['id: 99999999999999-0\ndata: {"sender":"x","key":"k"}\n\n', ['{"sender":"x","key":"k"}']],
    ['nonsense\n\ndata: hi\n\n', ['hi']],
    ['nonsense\ndata: hi\n\n', ['hi']],
  ])('%j is read by the rules of the standard', async (text, expected) => {
    write(text);
    const events = await readAll(store);

    expect(events.map(({ data, type }) => (type === undefined ? data : { type, data }))).toEqual(expected);
    expect(await readAll(await reopened())).toEqual(events);
  });

  test('keeps its bytes in the file; what is not UTF-8 is shown as U+FFFD', async () => {
    write(Buffer.from('data: caf\xe9 \xff\xfe ok\n\n', 'latin1'));
    write('data: 뒤에\n\n');

    expect(textsOf(await readAll(store))).toEqual(['caf\ufffd \ufffd\ufffd ok', '뒤에']);
  });

  test('is shown among our messages in the order of the file, with rising ids', async () => {
    const first = await store.append(henry, letter('one'));
    write('data: two\n\ndata: three\n\n');
    const last = await store.append(henry, letter('four'));

    const events = await readAll(store);

    expect(textsOf(events)).toEqual(['one', 'two', 'three', 'four']);
    const ids = events.map(({ id }) => id);
    expect(ids).toEqual([first.event.id, `${first.event.id}.1`, `${first.event.id}.2`, last.event.id]);
    expect(ids.toSorted((a, b) => store.compare(a, b))).toEqual(ids);
  });

  test('has the time at which it was received', async () => {
    const clock = new Clock();
    store = directory.open({ now: clock.now });
    write('data: old\n\n');
    clock.move(60_000);
    const [event] = await readAll(store);
    clock.move(60_000);

    expect(event!.time).toBe(clock.now() - 60_000);
    expect((await readAll(store))[0]).toEqual(event);
    expect((await readAll(await reopened()))[0]).toEqual(event);
  });

  test('that is written twice is shown twice', async () => {
    write('data: again\n\n');
    await readAll(store);
    write('data: again\n\n');

    expect(textsOf(await readAll(store))).toEqual(['again', 'again']);
  });

  test.each(['in an empty mailbox', 'a month after the last message'])(
    'before a message of ours %s does not hide its key after a restart',
    async (when) => {
      const clock = new Clock();
      store = directory.open({ now: clock.now });
      if (when !== 'in an empty mailbox') {
        await appendAll(store, ['long ago']);
        await readAll(store);
        clock.move(30 * 24 * 60 * 60 * 1000);
      }
      write('data: foreign\n\n');
      const message = letter('ours');
      const first = await store.append(henry, message);
      await store.read(henry); // both go into one batch of the log
      await store.close();

      const again = await directory.open({ now: clock.now }).append(henry, message);

      expect(again).toMatchObject({ repeated: true, event: { data: first.event.data } });
    },
  );

  test('in our own form is recognized by its key, so a copy of the mailbox is not new mail', async () => {
    await appendAll(store, ['one', 'two']);
    const copy = await directory.read();
    await readAll(store);

    write(copy);
    write('data: three\n\n');

    expect(textsOf(await readAll(store))).toEqual(['one', 'two', 'three']);
  });

  test('arrives, even ten thousand events at once', async () => {
    const texts = numbered('x', 10_000);
    write(texts.map((text) => `data: ${text}\n\n`).join(''));

    expect(textsOf(await readAll(store))).toEqual(texts);
  });
});

describe('unfinished mail', () => {
  test('without its blank line is shown after 5 s without growth, not before', async () => {
    write('data: hi\n');
    expect(await store.read(henry)).toEqual({ events: [], gap: false });

    uptime.move(TAIL_COMPLETE_MS - 1);
    expect(await store.read(henry)).toEqual({ events: [], gap: false });
    uptime.move(1);

    expect(textsOf(await readAll(store))).toEqual(['hi']);
    uptime.move(TAIL_COMPLETE_MS);
    expect(textsOf(await readAll(await reopened()))).toEqual(['hi']);
  });

  test('without its blank line reaches a listener by itself', async () => {
    const listener = await Listener.open(store);
    write('data: one\ndata: two\n');
    await store.drain(henry);

    const next = listener.next();
    const moving = setInterval(() => uptime.move(TAIL_COMPLETE_MS), 100);
    const event = await next;
    clearInterval(moving);

    expect(event.data).toBe('one\ntwo');
  });

  test('without its blank line is ended by our next message', async () => {
    write('data: theirs\n');
    await store.append(henry, letter('ours'));

    expect(textsOf(await readAll(store))).toEqual(['theirs', 'ours']);
  });

  test('is one event if its writer pauses in the middle', async () => {
    await store.append(henry, letter('first'));
    const fd = openSync(directory.file(), 'a');
    const listener = await Listener.open(store);
    await listener.next();

    writeSync(fd, 'data: o');
    await store.read(henry);
    uptime.move(TAIL_COMPLETE_MS * 2);
    writeSync(fd, 'ne\n');
    await store.read(henry);
    uptime.move(TAIL_COMPLETE_MS - 1000);
    writeSync(fd, 'data: two\n\n');
    closeSync(fd);

    expect((await listener.next()).data).toBe('one\ntwo');
  });

  test('that ends in half a line is kept but never shown, and the next event is shown', async () => {
    const listener = await Listener.open(store);
    write('data: half a li');
    await store.drain(henry);
    const moving = setInterval(() => uptime.move(1000), 20);
    await directory.emptied();
    clearInterval(moving);

    write('data: whole\n\n');

    expect((await listener.next()).data).toBe('whole');
    expect(textsOf(await readAll(store))).toEqual(['whole']);
    const [piece] = readdirSync(directory.in('.taken/henry')).toSorted();
    expect(readFileSync(directory.in('.taken/henry', piece!), 'utf8')).toMatch(/^data: half a li\n: torn\n\n/);
  });

  test('that ends in half a line is never joined to our message', async () => {
    write('data: half');
    await store.append(henry, letter('ours'));
    write('id: 17');
    await store.append(henry, letter('ours again'));

    expect(textsOf(await readAll(store)).filter((text) => text !== 'half')).toEqual(['ours', 'ours again']);
  });
});

describe('a torn append of ours', () => {
  test('is never shown, wherever it is cut, but the next message is', async () => {
    const { event } = await store.append(henry, letter('to be torn 안녕'));
    const bytes = readFileSync(directory.file());
    const cuts = Array.from({ length: bytes.length }, (_, cut) => ({ cut, name: mailboxName(`cut-${cut}`) }));

    const shown = await Promise.all(
      cuts.map(async ({ cut, name }) => {
        writeFileSync(directory.file(name), bytes.subarray(0, cut));
        const whole = await store.append(name, letter('whole'));
        return { cut, events: await readAll(store, name), whole: whole.event };
      }),
    );

    for (const { cut, events, whole } of shown) {
      // If only its blank line is missing, it is complete, but its sender never got an answer.
      const isWhole = bytes.toString('utf8', cut) === '\n';
      expect([cut, events]).toEqual([cut, isWhole ? [event, whole] : [whole]]);
    }
  });

  test('stays in the file, and a retry makes one event', async () => {
    const message = letter('hi');
    await store.append(henry, message);
    const whole = readFileSync(directory.file());
    await store.forget(henry);
    write(whole.subarray(0, whole.length - 20));

    const { event, repeated } = await store.append(henry, message);

    expect(repeated).toBe(false);
    expect(await readAll(store)).toEqual([event]);
    expect(await directory.read()).toContain(whole.toString().slice(0, -20));
  });
});

describe('a line that is too long', () => {
  test.each([MIB + 1, 2 * MIB - 7, 2 * MIB, 3 * MIB + 12_345])(
    'of %i bytes is not shown, but the mail around it is',
    async (bytes) => {
      const line = `data: ${'x'.repeat(bytes - 6)}`;
      write(`data: before\n\n${line}\r\n\r\ndata: after\n\n`);

      expect(textsOf(await readAll(store))).toEqual(['before', 'after']);
      expect(statSync(directory.file()).size).toBeGreaterThan(line.length);
    },
  );

  test('of 1 MiB is shown', async () => {
    const text = 'x'.repeat(MIB - 'data: \n'.length);
    write(`data: ${text}\n\ndata: after\n\n`);

    expect((await readAll(store)).map(({ data }) => data.length)).toEqual([text.length, 'after'.length]);
  });

  test('without an end disturbs neither the ids nor the keys of later mail', async () => {
    const clock = new Clock();
    store = directory.open({ now: clock.now });
    write(`data: ${'x'.repeat(3 * MIB)}`);
    const message = letter('two');

    const first = await store.append(henry, letter('one'));
    const second = await store.append(henry, message);
    const again = await store.append(henry, message);

    expect(store.compare(second.event.id, first.event.id)).toBeGreaterThan(0);
    expect(again).toEqual({ event: second.event, repeated: true });
    await expect(store.append(henry, { ...message, message: 'other' })).rejects.toMatchObject({ code: 'KEY_REUSED' });
    expect(await readAll(store)).toEqual([first.event, second.event]);
  });

  test('that never ends does not hide the next mail', async () => {
    const listener = await Listener.open(store);
    write('x'.repeat(3 * MIB));
    await store.drain(henry);
    const moving = setInterval(() => uptime.move(1000), 20);
    await directory.emptied();
    clearInterval(moving);

    write('data: next\n\n');

    expect((await listener.next()).data).toBe('next');
  });
});

describe('any bytes at all', () => {
  test('disturb only themselves: the valid events around them are shown once and in order', async () => {
    const pieces = fc.constantFrom(
      '\r',
      '\n',
      '\0',
      'data',
      ': ',
      'id: ',
      '1-0',
      'event: error',
      'retry:0',
      '\ufeff',
      '{',
    );
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text, 'utf16le')),
      fc.array(pieces, { maxLength: 30 }).map((parts) => Buffer.from(parts.join(''))),
    );
    let round = 0;
    let cursor = '0-0';
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { minLength: 1, maxLength: 4 }), async (garbage) => {
        const good: string[] = [];
        for (const bytes of garbage) {
          write(bytes);
          good.push(`good ${(round += 1)}`);
          write(`\n\ndata: ${good.at(-1)!}\n\n`);
        }

        const events = await readAll(store, henry, cursor);

        cursor = events.at(-1)!.id;
        expect(textsOf(events).filter((text) => text.startsWith('good '))).toEqual(good);
      }),
      { numRuns: 100 },
    );
  });
});

async function reopened(): Promise<FileMailboxes> {
  await store.close();
  store = directory.open({ uptimeMs: uptime.now });
  return store;
}
