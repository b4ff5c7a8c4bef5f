import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterThisTest } from './after-this-test.ts';

/**
 * A TCP proxy before `url` that lets `bytes` bytes of an answer through and then cuts the connection, `cuts` times; later
 * connections are left whole. It makes the client reconnect soon: the digits behind `retry: ` become zeros.
 */
export async function cuttingProxy(
  url: string,
  bytes: number,
  cuts = 1,
): Promise<{ url: string; cutsLeft: () => number }> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let cutsLeft = cuts;
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    let left = cutsLeft > 0 ? bytes : Infinity;
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.pipe(server);
    server.on('data', (chunk: Buffer) => {
      client.write(hurried(chunk).subarray(0, left));
      left -= chunk.length;
      if (left > 0) return;
      cutsLeft -= 1;
      client.destroySoon();
      server.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  afterThisTest(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, cutsLeft: () => cutsLeft };
}

function hurried(chunk: Buffer): Buffer {
  return Buffer.from(
    chunk
      .toString('latin1')
      .replace(/retry: (\d+)/, (line, digits: string) => line.replace(digits, '0'.repeat(digits.length))),
    'latin1',
  );
}
