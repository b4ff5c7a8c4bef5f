import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface CuttingProxy {
  readonly url: string;
  readonly cutsLeft: () => number;
  readonly close: () => void;
}

/**
 * A TCP proxy in front of `url` that passes so many bytes of an answer and then cuts the connection, `cuts` times. Later
 * connections are left alone. Clients reconnect soon, because it changes `retry: ` to a millisecond.
 */
export async function openCuttingProxy(url: string, bytes: () => number, cuts: number): Promise<CuttingProxy> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let cutsLeft = cuts;
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    let left = cutsLeft > 0 ? bytes() : Infinity;
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
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    cutsLeft: () => cutsLeft,
    close: () => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    },
  };
}

/** Not 0: some clients treat 0 as no value. */
function hurried(chunk: Buffer): Buffer {
  const text = chunk.toString('latin1');
  return Buffer.from(
    text.replace(/(?<=retry: )\d+/, ({ length }) => '1'.padStart(length, '0')),
    'latin1',
  );
}
