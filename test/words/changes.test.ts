import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { compareIds } from '../../src/files/event-id.ts';
import { Changes } from '../../src/words/changes.ts';
import type { ShownChange } from '../../src/words/shown-change.ts';
import type { ShownMail } from '../../src/words/shown-mail.ts';

interface Example {
  readonly name: string;
  readonly messages: readonly ShownMail[];
  readonly changes: readonly ShownChange[];
  /** What each message shows. */
  readonly shown: readonly object[];
}

const examples = JSON.parse(readFileSync('test/support/changes.json', 'utf8')) as Example[];

describe.each(['oldest', 'newest'])('changes read with the %s first', (order) => {
  test.each(examples)('$name', ({ messages, changes, shown }) => {
    const known = new Changes({ compare: compareIds });

    for (const change of order === 'oldest' ? changes : changes.toReversed()) known.add(change);

    const folded = messages.map((message) => known.fold(message));
    expect(
      folded.map(({ message, files, replyTo, edited, removed, reactions }) => ({
        message,
        files,
        replyTo,
        edited,
        removed,
        reactions,
      })),
    ).toEqual(shown);
  });
});
