import type { MailEvent, Message } from './mailbox-store.ts';
import { MessageFiles, type MessageFile } from './message-files.ts';

/** The longest id that another program may name. */
export const MAX_ID = 64;

/** A message in our form, as stored in the data of its event. We write `time` in ISO 8601, and always a receiver. */
export type StoredMessage = Readonly<Record<'sender' | 'message' | 'key' | 'time', string>> & {
  readonly receiver?: string;
  readonly name?: string;
  readonly replyTo?: string;
  readonly files?: readonly MessageFile[];
};

/** A message of ours as one line of JSON. Every store keeps and sends it in this form. */
export function messageData(message: Message, now: number): string {
  const { type, sender, receiver, name, of, emoji, message: text, replyTo, files, key } = message;
  const said = type === undefined || type === 'edit' ? { message: text } : {};
  const time = new Date(now).toISOString();
  return JSON.stringify({ sender, receiver, name, of, emoji, ...said, replyTo, files, time, key });
}

/** Whether this is the event of a message that was sent again under its key. It may have been erased since. */
export function isEventOf({ type, of, emoji, message, files }: Message, event: MailEvent): boolean {
  const stored = fieldsOf(event.data);
  const isRemoved = !stored['message'] && !stored['files'];
  const isText = !stored['message'] || stored['message'] === message;
  const hasFiles = isRemoved || JSON.stringify(stored['files']) === JSON.stringify(files);
  return isText && hasFiles && event.type === type && stored['of'] === of && stored['emoji'] === emoji;
}

/** A key belongs to its sender: two senders may use the same one. */
export function scopedKey({ sender, key }: { readonly sender: string; readonly key: string }): string {
  return `${sender}\n${key}`;
}

/** The message in an event's data. Undefined if it is foreign text. */
export function messageOf(data: string): StoredMessage | undefined {
  const { sender, receiver, name, message, replyTo, files, time, key } = fieldsOf(data);
  const given = { ...(receiver !== undefined && { receiver }), ...(typeof name === 'string' && { name }) };
  const fields = { sender, ...given, message, time, key };
  if (!Object.values(fields).every((field) => typeof field === 'string')) return undefined;
  const named = files === undefined ? undefined : MessageFiles.safeParse(files).data;
  const answers = typeof replyTo === 'string' && replyTo.length <= MAX_ID && { replyTo };
  return { ...(fields as StoredMessage), ...answers, ...(named && { files: named }) };
}

/** The scoped key of the message in an event's data. Undefined if it is foreign text. */
export function keyOf(data: string): string | undefined {
  const { sender, key } = fieldsOf(data);
  return typeof sender === 'string' && typeof key === 'string' ? scopedKey({ sender, key }) : undefined;
}

/** The fields of a JSON object; none of other text. */
export function fieldsOf(data: string): Record<string, unknown> {
  if (!data.startsWith('{')) return {};
  try {
    return JSON.parse(data) as Record<string, unknown>;
  } catch {
    return {}; // not JSON: foreign text
  }
}
