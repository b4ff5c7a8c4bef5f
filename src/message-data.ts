import type { Message } from './mailbox-store.ts';

/** The one line of JSON that a message of ours is stored and sent as, whatever the store. */
export function messageData(message: Message, now: number): string {
  const { sender, receiver, message: text, key } = message;
  return JSON.stringify({ sender, receiver, message: text, time: new Date(now).toISOString(), key });
}

/** A key belongs to its sender: another's use of the same is another key. */
export function scopedKey({ sender, key }: { readonly sender: string; readonly key: string }): string {
  return `${sender}\n${key}`;
}

/** Sender and key of a message of ours, or undefined when `data` is something else. */
export function messageFields(data: string): { sender: string; key: string } | undefined {
  if (!data.startsWith('{')) return undefined;
  try {
    const { sender, key } = JSON.parse(data) as Record<string, unknown>;
    return typeof sender === 'string' && typeof key === 'string' ? { sender, key } : undefined;
  } catch {
    return undefined; // not JSON: somebody else's text
  }
}
