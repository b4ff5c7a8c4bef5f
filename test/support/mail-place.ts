import type { MailboxStore } from '../../src/index.ts';

/** Where the chats of the tests keep their mail if not in files. Each directory has its own mailboxes there. */
export interface MailPlace {
  open(dir: string): Promise<MailboxStore>;
  /** The same for a chat that the command starts. */
  flags(dir: string): readonly string[];
}

let place: MailPlace | undefined;

/** Makes the chats of all later tests keep their mail there. Import it before the tests. */
export function keepMailIn(other: MailPlace): void {
  place = other;
}

/** The store for a new chat; none if it keeps mail in files. */
export async function openMailPlace(dir: string): Promise<{ store?: MailboxStore }> {
  return place ? { store: await place.open(dir) } : {};
}

export function mailPlaceFlags(dir: string): readonly string[] {
  return place?.flags(dir) ?? [];
}

type Test = (name: string, body: () => Promise<void> | void) => void;

/** `test` for tests about the files themselves. They are skipped if the mail is elsewhere. */
export function onFiles(test: Test): Test {
  return (name, body) => {
    if (!place) test(name, body);
  };
}
