import { createHash } from 'node:crypto';
import type { At } from './requests.ts';

/** One pixel. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

export interface StoredFile {
  readonly sha256: string;
  readonly bytes: number;
  readonly type: string;
}

export function sha256Of(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Uploads a file. */
export function postFile(
  { url }: At,
  sender: string,
  receiver: string,
  content: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Response> {
  const who = new URLSearchParams({ sender, receiver }).toString();
  return fetch(`${url}/files?${who}`, { method: 'POST', body: new Uint8Array(Buffer.from(content)), headers });
}

/** Uploads a file, and resolves when it was stored. */
export async function storeFile(
  at: At,
  sender: string,
  receiver: string,
  content: string | Buffer,
): Promise<StoredFile> {
  const response = await postFile(at, sender, receiver, content);
  if (response.status !== 201) throw new Error(`not stored: ${response.status} ${await response.text()}`);
  return (await response.json()) as StoredFile;
}

export function getFile(
  { url }: At,
  mailbox: string,
  sha256: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${url}/files/${sha256}?mailbox=${mailbox}`, { headers });
}

/** What a client says of files when it sends a message. */
export interface NamedFile {
  readonly name: string;
  readonly sha256: string;
  readonly [more: string]: unknown;
}

/** Sends a message with files. */
export function sayWith(
  { url }: At,
  sender: string,
  receiver: string,
  files: readonly NamedFile[],
  more: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${url}/messages`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ sender, receiver, message: '', files, ...more }),
  });
}
