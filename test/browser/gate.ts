import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterThisTest } from '../support/after-this-test.ts';

/**
 * What happens to a request: it goes through; it is answered 502; its answer is lost although the server did what was
 * asked; the answer's head comes and then nothing more (a proxy that holds streams back); it waits until the gate opens.
 */
export type Passage = 'through' | 'refused' | 'answer lost' | 'muted' | 'held';

const SCRIPT_PATH = '/of-the-test.js';

type Rule = (path: string, method: string) => Passage;

/** An HTTP proxy between the pages and the server, like those of companies and hosting services. */
export class Gate {
  readonly url: string;
  /** How many streams are open now, and the most that were open at once. */
  streams = 0;
  mostStreams = 0;
  readonly refused: string[] = [];
  readonly passed: { path: string; method: string; body: string }[] = [];
  #rule: Rule = () => 'through';
  #opened: () => void = () => undefined;
  #opening = Promise.resolve();
  readonly #rewrite: (text: string) => string;
  /** A script for the head of every page. The proxy serves it as a file, because the pages allow no inline scripts. */
  script: string | undefined;
  readonly #connections = new Set<Socket>();
  readonly #swallowed = new WeakSet<Socket>();

  private constructor(port: number, rewrite: (text: string) => string) {
    this.url = `http://127.0.0.1:${port}/`;
    this.#rewrite = rewrite;
  }

  /** `rewrite` may change the text of streams, chunk by chunk. */
  static async before(server: { readonly url: string }, rewrite = (text: string) => text): Promise<Gate> {
    const proxy = createServer((req, res) => void gate.#pass(new URL(server.url), req, res));
    proxy.on('connection', (socket) => {
      gate.#connections.add(socket);
      socket.on('close', () => gate.#connections.delete(socket));
    });
    proxy.keepAliveTimeout = 65_000; // like the server
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const gate = new Gate((proxy.address() as AddressInfo).port, rewrite);
    afterThisTest(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    return gate;
  }

  /** Applies from now on, also to requests that are being held. */
  set rule(rule: Rule) {
    this.#rule = rule;
    this.#opened();
    this.#opening = new Promise((resolve) => (this.#opened = resolve));
  }

  /** Breaks all open connections. */
  cut(): void {
    for (const socket of this.#connections) socket.destroy();
  }

  /** From now on, open connections carry nothing, without an error. New ones work. */
  swallow(): void {
    for (const socket of this.#connections) this.#swallowed.add(socket);
  }

  async #pass(server: URL, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { method = '', url: path = '' } = req;
    if (this.#swallowed.has(req.socket)) return;
    if (path === SCRIPT_PATH) return void res.writeHead(200, { 'Content-Type': 'text/javascript' }).end(this.script);
    let passage = this.#rule(path, method);
    while (passage === 'held') {
      await this.#opening;
      passage = this.#rule(path, method);
    }
    if (passage === 'refused') {
      this.refused.push(path);
      return void res.writeHead(502, { 'Content-Type': 'text/html' }).end('<h1>Bad Gateway</h1>');
    }

    const isStream = path.includes('/status?') && req.headers.accept === 'text/event-stream';
    if (isStream) {
      this.mostStreams = Math.max(this.mostStreams, ++this.streams);
      res.on('close', () => (this.streams -= 1));
    }
    const headers = this.script === undefined ? req.headers : { ...req.headers, 'accept-encoding': 'identity' };
    const onward = request({ host: server.hostname, port: server.port, path, method, headers }, (answer) => {
      if (this.#swallowed.has(req.socket)) return;
      if (passage === 'answer lost') res.destroy();
      else if (isStream) this.#passStream(answer, req, res);
      else if (this.script !== undefined && isPage(answer)) void passWithScript(answer, res);
      else answer.pipe(res.writeHead(answer.statusCode ?? 502, answer.headers));
    });
    onward.on('error', () => (res.headersSent ? res.destroy() : res.writeHead(502).end()));
    res.on('close', () => onward.destroy());
    const body: Buffer[] = [];
    req.on('data', (chunk: Buffer) => body.push(chunk));
    req.on('end', () => this.passed.push({ path, method, body: Buffer.concat(body).toString() }));
    req.pipe(onward);
  }

  #passStream(answer: IncomingMessage, req: IncomingMessage, res: ServerResponse): void {
    res.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders();
    answer.on('data', (chunk: Buffer) => {
      if (this.#swallowed.has(req.socket)) return;
      if (this.#rule(req.url ?? '', req.method ?? '') === 'through') res.write(this.#rewrite(chunk.toString()));
    });
    answer.on('close', () => {
      if (!this.#swallowed.has(req.socket)) res.destroy();
    });
  }
}

const isPage = ({ statusCode, headers }: IncomingMessage): boolean =>
  statusCode === 200 && headers['content-type']?.startsWith('text/html') === true;

async function passWithScript(answer: IncomingMessage, res: ServerResponse): Promise<void> {
  const { 'content-length': _, etag: __, ...headers } = answer.headers;
  const page = (await text(answer)).replace('<head>', `<head><script src="${SCRIPT_PATH}"></script>`);
  res.writeHead(200, headers).end(page);
}
