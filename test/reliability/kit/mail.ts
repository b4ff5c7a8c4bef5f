import { appendFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { listen } from '../../support/listener.ts';
import { reportReceipt, say, type At, type Stored } from '../../support/requests.ts';
import { until } from '../../support/until.ts';

export interface Place extends At {
  readonly dir: string;
}

/** The mailbox file, as other programs see it. */
export function mailboxFile({ dir }: { readonly dir: string }, name = 'henry'): string {
  return join(dir, `${name}.txt`);
}

/** An event in the form in which docs/file-format.md tells other programs to append it. */
export function appendEvent(place: { readonly dir: string }, text: string, name = 'henry'): void {
  appendFileSync(mailboxFile(place, name), `\n\ndata: ${text}\n\n`);
}

export interface Answer {
  readonly status: number;
  readonly error: string | undefined;
  readonly tookMs: number;
}

/** `POST /messages`, whatever the answer; status 0 if there was none. */
export async function post({ url }: At, message: Readonly<Record<string, string>>): Promise<Answer> {
  const beganMs = performance.now();
  const headers = { 'Content-Type': 'application/json' };
  try {
    const request = { method: 'POST', headers, body: JSON.stringify(message), signal: AbortSignal.timeout(30_000) };
    const response = await fetch(`${url}/messages`, request);
    const { error } = (await response.json()) as { error?: string };
    return { status: response.status, error, tookMs: performance.now() - beganMs };
  } catch {
    return { status: 0, error: undefined, tookMs: performance.now() - beganMs }; // no answer
  }
}

let markers = 0;

/** The texts of all that is kept in a mailbox, oldest first, as a new client gets them. */
export async function everything(at: At, name = 'henry'): Promise<string[]> {
  const marker = `marker ${markers++}`;
  await say(at, 'marker', name, marker);
  const listener = await listen(`${at.url}/status?receiver=${name}&since=all`);
  const texts = await listener.textsUpTo(marker);
  listener.close();
  return texts.filter((text) => !text.startsWith('marker '));
}

/** The texts that occur more than once. */
export function doubles(texts: readonly string[]): string[] {
  return texts.filter((text, i) => texts.indexOf(text) !== i);
}

/** `message 0`, `message 1`, … */
export function numbered(word: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${word} ${i}`);
}

/** Resolves when the mailbox file exists and is empty. */
export async function drained(place: { readonly dir: string }, name = 'henry'): Promise<void> {
  await until(
    `${name}.txt to be empty`,
    () => statSync(mailboxFile(place, name), { throwIfNoEntry: false })?.size === 0,
  );
}

/** Sends messages to somebody who listens, and reports them as received. */
export async function deliver(place: Place, texts: readonly string[], receiver = 'henry'): Promise<void> {
  const listener = await listen(`${place.url}/status?receiver=${receiver}`);
  let newest: Stored | undefined;
  for (const text of texts) newest = await say(place, 'jjeong', receiver, text);
  await listener.textsUpTo(texts.at(-1)!);
  await reportReceipt(place, { receiver, delivered: newest!.id });
  listener.close();
  await drained(place, receiver);
}
