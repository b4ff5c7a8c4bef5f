import { admit, type Caller } from '../access/caller.ts';
import type { Appended, Message } from '../words/mailbox-store.ts';
import type { Chat } from './chat.ts';
import { checkReferences } from './check-references.ts';
import { withStoredFiles } from './files.ts';
import { readMessage } from './read-message.ts';

/** The stored message, as the JSON that its sender gets. `repeated`: it was stored before under the same key. */
export interface Sent {
  readonly text: string;
  readonly repeated: boolean;
}

/** Checks the fields of a message, stores it, and tells the sender's other pages. Resolves once it is on disk. */
export async function sendMessage(input: unknown, caller: Caller, chat: Chat, headerKey?: string): Promise<Sent> {
  const given = readMessage(input, chat.maxMessage, caller, headerKey);
  admit(caller, given.sender);
  chat.sends.count(caller.address, given.sender);
  const message = await withStoredFiles(given, chat.store);
  await checkReferences(message, chat.store);
  const givenMs = performance.now();
  const appended = await chat.store.append(message.receiver, message);
  const text = answer(message, appended);
  if (!appended.repeated) {
    chat.counts.appended((performance.now() - givenMs) / 1000);
    chat.live.publish({ to: message.sender, name: 'sent', data: text });
  }
  return { text, repeated: appended.repeated };
}

/** The stored JSON with its id, mailbox and state around it. */
function answer({ receiver, type }: Message, { event }: Appended): string {
  const head = JSON.stringify({ id: event.id, mailbox: receiver, event: type }).slice(0, -1);
  return `${head},${event.data.slice(1, -1)},"state":"sent"}`;
}
