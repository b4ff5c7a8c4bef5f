import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterThisTest } from './after-this-test.ts';

/**
 * A TCP proxy before `url` that lets `bytes` bytes of the first answer through and then cuts the connection; later
 * connections are left whole. It makes the client reconnect soon: the digits behind `retry: ` become zeros.
 */
export async function cuttingProxy(url: string, bytes: number): Promise<{ url: string; hasCut: () => boolean }> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let connections = 0;
  let hasCut = false;
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    let left = (connections += 1) === 1 ? bytes : Infinity;
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
      hasCut = true;
      client.destroySoon();
      server.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  afterThisTest(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, hasCut: () => hasCut };
}

function hurried(chunk: Buffer): Buffer {
  return Buffer.from(
    chunk
      .toString('latin1')
      .replace(/retry: (\d+)/, (line, digits: string) => line.replace(digits, '0'.repeat(digits.length))),
    'latin1',
  );
}
