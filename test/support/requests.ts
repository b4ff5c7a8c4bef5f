import type { HistoryMessage } from '../../src/http/backwards.ts';
import type { ShownChange } from '../../src/words/shown-change.ts';

/** The answer to `POST /messages`. */
export interface Stored {
  readonly id: string;
  readonly mailbox: string;
  readonly time: string;
  readonly sender: string;
  readonly receiver: string;
  readonly message: string;
  readonly key: string;
  readonly state: string;
}

export interface HistoryPage {
  readonly messages: readonly HistoryMessage[];
  readonly changes?: readonly ShownChange[];
  readonly before: string | null;
  readonly cursor: string;
}

/** The address of a server. */
export interface At {
  readonly url: string;
}

/** Sends a message and resolves when it has been accepted. */
export async function say(
  { url }: At,
  sender: string,
  receiver: string,
  message: string,
  key?: string,
): Promise<Stored> {
  const response = await fetch(`${url}/messages`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ sender, receiver, message, key }),
  });
  if (!response.ok) throw new Error(`not accepted: ${response.status} ${await response.text()}`);
  return (await response.json()) as Stored;
}

export async function reportReceipt({ url }: At, receipt: Readonly<Record<string, string>>): Promise<void> {
  const response = await fetch(`${url}/receipts`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(receipt),
  });
  if (!response.ok) throw new Error(`not accepted: ${response.status} ${await response.text()}`);
}

/** One page of the history of `me` and `other`, as `me` sees it. */
export async function history(
  { url }: At,
  me: string,
  other: string,
  query: Readonly<Record<string, string>> = {},
): Promise<HistoryPage> {
  const which = new URLSearchParams({ receiver: me, sender: other, ...query }).toString();
  const response = await fetch(`${url}/history?${which}`);
  if (!response.ok) throw new Error(`no history: ${response.status} ${await response.text()}`);
  return (await response.json()) as HistoryPage;
}

/** The whole history, oldest first, read back page by page. `between` runs between two pages. */
export async function wholeHistory(
  at: At,
  me: string,
  other: string,
  limit: number,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<HistoryMessage[]> {
  const whole: HistoryMessage[] = [];
  let before: string | null | undefined;
  do {
    const page = await history(at, me, other, { limit: String(limit), ...(before ? { before } : {}) });
    whole.unshift(...page.messages);
    before = page.before;
    if (before !== null) await between();
  } while (before !== null);
  return whole;
}
