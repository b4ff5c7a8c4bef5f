import type { MailboxStore } from '../../src/index.ts';

/** Where the chats of the tests keep their mail, other than in files. A directory stands for its own mailboxes. */
export interface MailPlace {
  open(dir: string): Promise<MailboxStore>;
  /** The same for a chat that the command starts. */
  flags(dir: string): readonly string[];
}

let place: MailPlace | undefined;

/** To be imported before the tests: from then on their chats keep their mail there. */
export function keepMailIn(other: MailPlace): void {
  place = other;
}

/** The store of a chat that is to be served; none: files in its directory. */
export async function openMailPlace(dir: string): Promise<{ store?: MailboxStore }> {
  return place ? { store: await place.open(dir) } : {};
}

export function mailPlaceFlags(dir: string): readonly string[] {
  return place?.flags(dir) ?? [];
}

type Test = (name: string, body: () => Promise<void> | void) => void;

/** `test` for tests about the files themselves: with mail in another place there are none, and they are left out. */
export function onFiles(test: Test): Test {
  return (name, body) => {
    if (!place) test(name, body);
  };
}
