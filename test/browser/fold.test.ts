import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Fold } from '../../public/js/fold.js';

interface Example {
  readonly name: string;
  readonly messages: StoredMessage[];
  readonly changes: MessageChange[];
  readonly shown: object[];
}

/** The server's tests use the same examples. */
const examples = JSON.parse(readFileSync('test/support/changes.json', 'utf8')) as Example[];

describe.each(['oldest', 'newest'])('changes that reach the page with the %s first', (order) => {
  test.each(examples)('$name', ({ messages, changes, shown }) => {
    const fold = new Fold();

    for (const change of order === 'oldest' ? changes : changes.toReversed()) fold.add(change);

    const said = messages.map((stored) => {
      const { message, replyTo, isEdited, isRemoved, reactions } = fold.apply(stored);
      const state = isRemoved ? { removed: true } : { files: stored.files, ...(isEdited && { edited: true }) };
      return { message, replyTo, ...state, ...(Object.keys(reactions).length > 0 && { reactions }) };
    });
    expect(said).toEqual(shown);
  });
});
