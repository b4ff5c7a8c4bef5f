import { directoryHash } from '../words/directory-hash.ts';
import { VERSION } from '../words/version.ts';
import { sendJson } from './answer.ts';
import type { Handler } from './request.ts';

/** `GET /healthz`: which program this is, and a hash of its directory, which does not tell where that is. */
export function getHealth(dir: string | null): Handler {
  const health = { name: 'mailbox-chat', version: VERSION, directoryHash: dir === null ? null : directoryHash(dir) };
  return (_req, res) => sendJson(res, 200, health);
}

/** `GET /readyz`: 200 while mail can be accepted. */
export function getReadiness(server: { ready(): Promise<void> }): Handler {
  return async (_req, res) => {
    await server.ready();
    sendJson(res, 200, { ready: true });
  };
}
