import { createServer } from 'node:http';

/**
 * Serves `handler` on a free loopback port and prints it to stdout as the product does: one line of JSON.
 * @param {import('node:http').RequestListener} handler
 */
export function serve(handler) {
  const server = createServer({ keepAliveTimeout: 65_000 }, handler);
  server.listen(0, '127.0.0.1', sayReady(server));
  return server;
}

/** @param {import('node:http').Server} server */
export function sayReady(server) {
  return () => {
    const address = server.address();
    if (typeof address === 'object' && address) console.log(JSON.stringify({ port: address.port }));
  };
}
