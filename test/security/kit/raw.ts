import { connect } from 'node:net';
import { inTime } from '../../support/until.ts';
import type { At } from '../../support/requests.ts';

/** Sends raw bytes. Resolves to everything that comes back until the server closes the connection. */
export async function raw({ url }: At, request: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const answer = new Promise<string>((resolve) => {
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (bytes: string) => (text += bytes));
    socket.on('error', () => socket.destroy()); // closed while we were sending: what has come so far counts
    socket.on('close', () => resolve(text));
  });
  socket.write(request);
  try {
    return await inTime('the end of an answer', answer);
  } finally {
    socket.destroy();
  }
}

/** A request like that of a browser or a program, after which the server closes the connection. */
export function rawRequest(line: string, headers: readonly string[], body = ''): string {
  return `${[`${line} HTTP/1.1`, 'Connection: close', ...headers].join('\r\n')}\r\n\r\n${body}`;
}

/** The statuses of the answers on one connection, in order. */
export function statusesIn(answers: string): number[] {
  return Array.from(answers.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status));
}
