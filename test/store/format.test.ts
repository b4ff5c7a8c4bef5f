import { describe, expect, test } from '@jest/globals';
import { vectors, type Vector } from '../../examples/mail/vectors.mjs';
import { MailReader } from '../../src/files/mail-reader.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import { readByTheBook } from '../support/read-by-the-book.ts';

/** The same bytes, at once or a few at a time. */
function read({ bytes, mailbox, start }: Vector, mostBytes: number): Vector['events'] {
  const reader = new MailReader(mailboxName(mailbox), start);
  const events: Vector['events'][number][] = [];
  for (let to = Math.min(mostBytes, bytes.length); ; to = Math.min(to + mostBytes, bytes.length)) {
    for (const { id, type, data } of reader.read(bytes.subarray(reader.state.offset, to)))
      events.push({ id, ...(type !== undefined && { type }), data });
    if (to === bytes.length) return events;
  }
}

describe.each(vectors().map((vector) => [vector.name, vector] as const))('%s', (_, vector) => {
  test('is read as the format says', () => {
    expect(read(vector, Infinity)).toEqual(vector.events);
  });

  test('is read the same in small parts', () => {
    expect(read(vector, vector.bytes.length > 10_000 ? 300_007 : 1)).toEqual(vector.events);
  });

  test('is read as the format says by the second reader', () => {
    expect(readByTheBook(vector.bytes, vector.start, vector.mailbox).events).toEqual(vector.events);
  });
});

test('there are vectors of every kind', () => {
  expect(vectors().length).toBeGreaterThan(250);
});
