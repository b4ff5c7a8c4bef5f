import type { ServerResponse } from 'node:http';

/** Answers with one JSON object, never cached. */
export function sendJson(res: ServerResponse, status: number, body: object): void {
  sendJsonText(res, status, JSON.stringify(body));
}

/** Ends the body with a line feed, so that the output of curl does not run into the shell's prompt. */
export function sendJsonText(res: ServerResponse, status: number, json: string): void {
  const body = `${json}\n`;
  res.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  res.end(body);
}

export function sendNothing(res: ServerResponse, status = 204): void {
  res.writeHead(status, { 'Cache-Control': 'no-store' });
  res.end();
}
