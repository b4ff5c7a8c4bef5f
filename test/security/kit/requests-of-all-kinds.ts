/** Every endpoint about mail, and how to call it. */
export interface Endpoint {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** The fields for names that it accepts, in the query or in the body. */
  readonly names: readonly string[];
  /** The other fields of a valid request. */
  readonly rest: Readonly<Record<string, string>>;
}

export const ENDPOINTS: readonly Endpoint[] = [
  { method: 'POST', path: '/messages', names: ['sender', 'receiver'], rest: { message: 'written by the test' } },
  { method: 'GET', path: '/messages', names: ['sender', 'receiver'], rest: { message: 'written by the test' } },
  { method: 'GET', path: '/messages.html', names: ['sender', 'receiver'], rest: { message: 'written by the test' } },
  { method: 'GET', path: '/status', names: ['receiver'], rest: {} },
  { method: 'GET', path: '/status.html', names: ['f'], rest: {} },
  { method: 'GET', path: '/history', names: ['receiver', 'sender'], rest: {} },
  { method: 'GET', path: '/search', names: ['receiver', 'sender'], rest: { text: 'written' } },
  { method: 'POST', path: '/receipts', names: ['receiver', 'sender'], rest: { read: '0-0' } },
  { method: 'POST', path: '/typing', names: ['sender', 'receiver'], rest: {} },
  { method: 'GET', path: '/people', names: ['receiver'], rest: {} },
];

/** The names in a request by henry: he sends, or it is his mailbox. */
export const HENRYS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/messages': { sender: 'henry', receiver: 'jjeong' },
  '/messages.html': { sender: 'henry', receiver: 'jjeong' },
  '/status': { receiver: 'henry' },
  '/status.html': { f: 'henry.txt' },
  '/history': { receiver: 'henry', sender: 'jjeong' },
  '/search': { receiver: 'henry', sender: 'jjeong' },
  '/receipts': { receiver: 'henry', sender: 'jjeong' },
  '/typing': { sender: 'henry', receiver: 'jjeong' },
  '/people': { receiver: 'henry' },
};

export type Fields = Readonly<Record<string, unknown>>;

/** Calls an endpoint and resolves to the answer; of a stream, to its first bytes. */
export async function ask(
  url: string,
  { method, path }: Pick<Endpoint, 'method' | 'path'>,
  fields: Fields,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; text: string; headers: Headers }> {
  const query = method === 'GET' ? `?${new URLSearchParams(fields as Record<string, string>).toString()}` : '';
  const type = method === 'POST' ? { 'Content-Type': 'application/json' } : {};
  const response = await fetch(`${url}${path}${query}`, {
    method,
    headers: { ...type, ...headers },
    ...(method === 'POST' && { body: JSON.stringify(fields) }),
    redirect: 'manual',
  });
  return { status: response.status, text: await firstOf(response), headers: response.headers };
}

async function firstOf(response: Response): Promise<string> {
  if (!/event-stream|ndjson/.test(response.headers.get('content-type') ?? '')) return response.text();
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}
