import { readFile } from 'node:fs/promises';

/** Where Linux lists its TCP connections, with the bytes that the other end has not acknowledged. */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const UNSENT = /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) 01 (?!0{8})([0-9A-F]{8}):/gm;

/** Names a connection by its two ports. If two clients have the same ports, the emptier queue counts. */
export function connectionName(localPort: number, remotePort: number): string {
  return `${localPort} ${remotePort}`;
}

/** The unacknowledged bytes of every connection that has any, by `connectionName`. Empty where the system does not tell. */
export async function unsentQueues(): Promise<Map<string, number>> {
  const queues = new Map<string, number>();
  for (const table of TABLES) {
    const text = await readFile(table, 'latin1').catch(() => ''); // not Linux, or no IPv6
    for (const [, local, remote, bytes] of text.matchAll(UNSENT)) {
      const name = connectionName(Number.parseInt(local!, 16), Number.parseInt(remote!, 16));
      queues.set(name, Math.min(Number.parseInt(bytes!, 16), queues.get(name) ?? Infinity));
    }
  }
  return queues;
}
