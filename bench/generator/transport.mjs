import { openStream } from './follower.mjs';
import { Publisher } from './publisher.mjs';

/** How to publish and how to follow, for each transport; Socket.IO's client is loaded only where it is needed. */
/** @param {string} name */
export async function transport(name) {
  if (name === 'http') return { Publisher, follow: openStream };
  const { SocketIoPublisher, openSocketIo } = await import('./socket-io-client.mjs');
  return { Publisher: SocketIoPublisher, follow: openSocketIo };
}
