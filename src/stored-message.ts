/** A message of ours, as it stands in the data of its event. */
export interface StoredMessage {
  readonly sender: string;
  readonly receiver: string;
  readonly message: string;
  /** ISO 8601. */
  readonly time: string;
  readonly key: string;
}

/** Reads an event's data; undefined when it is somebody else's text. */
export function messageOf(data: string): StoredMessage | undefined {
  if (!data.startsWith('{')) return undefined;
  try {
    const { sender, receiver, message, time, key } = JSON.parse(data) as Record<keyof StoredMessage, unknown>;
    const fields = { sender, receiver, message, time, key };
    return Object.values(fields).every((field) => typeof field === 'string') ? (fields as StoredMessage) : undefined;
  } catch {
    return undefined;
  }
}
