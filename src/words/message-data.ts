import type { Message } from './mailbox-store.ts';

/** A message in our form, as stored in the data of its event. We write `time` in ISO 8601, and always a receiver. */
export type StoredMessage = Readonly<Record<'sender' | 'message' | 'key' | 'time', string>> & {
  readonly receiver?: string;
  readonly name?: string;
};

/** The line of JSON as which a message of ours is stored and sent, in every store. */
export function messageData(message: Message, now: number): string {
  const { sender, receiver, name, message: text, key } = message;
  return JSON.stringify({ sender, receiver, name, message: text, time: new Date(now).toISOString(), key });
}

/** A key belongs to its sender: two senders may use the same one. */
export function scopedKey({ sender, key }: { readonly sender: string; readonly key: string }): string {
  return `${sender}\n${key}`;
}

/** The message in an event's data. Undefined if it is foreign text. */
export function messageOf(data: string): StoredMessage | undefined {
  const { sender, receiver, name, message, time, key } = fieldsOf(data);
  const given = { ...(receiver !== undefined && { receiver }), ...(typeof name === 'string' && { name }) };
  const fields = { sender, ...given, message, time, key };
  return Object.values(fields).every((field) => typeof field === 'string') ? (fields as StoredMessage) : undefined;
}

/** The scoped key of the message in an event's data. Undefined if it is foreign text. */
export function keyOf(data: string): string | undefined {
  const { sender, key } = fieldsOf(data);
  return typeof sender === 'string' && typeof key === 'string' ? scopedKey({ sender, key }) : undefined;
}

function fieldsOf(data: string): Record<string, unknown> {
  if (!data.startsWith('{')) return {};
  try {
    return JSON.parse(data) as Record<string, unknown>;
  } catch {
    return {}; // not JSON: foreign text
  }
}
