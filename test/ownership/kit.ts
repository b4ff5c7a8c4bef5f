import { existsSync, readFileSync, readlinkSync, readdirSync, statSync } from 'node:fs';
import { request, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request, with any header. Rejects if there is no answer. */
export function ask(options: RequestOptions, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({ agent: false, ...options }, (res) => {
      text(res).then((said) => resolve({ status: res.statusCode!, headers: res.headers, body: said }), reject);
    });
    asking.on('error', reject).end(body);
  });
}

/** The process among these that owns the directory: Linux tells which one listens on the directory's abstract address. */
export function ownerOf(dir: string, pids: readonly number[]): number | undefined {
  const { dev, ino } = statSync(dir);
  const name = `@mailbox-chat:${dev}:${ino}`;
  const line = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .find((each) => each.split('@@', 1)[0]!.endsWith(` ${name}`)); // NULs fill the rest of the name
  const socket = `socket:[${line?.trim().split(/\s+/)[6]}]`;
  return pids.find((pid) => openIn(pid).includes(socket));
}

function openIn(pid: number): string[] {
  const dir = `/proc/${pid}/fd`;
  if (!existsSync(dir)) return [];
  return readdirSync(dir).map((fd) => {
    try {
      return readlinkSync(join(dir, fd));
    } catch {
      return ''; // it was closed meanwhile
    }
  });
}
