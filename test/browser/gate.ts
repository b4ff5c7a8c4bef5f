import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterThisTest } from '../support/after-this-test.ts';

/**
 * What becomes of a request: it goes through; it is answered 502; its answer is lost although the server did what was
 * asked; the answer's head comes and then nothing more (a proxy that holds streams back); it waits until the gate opens.
 */
export type Passage = 'through' | 'refused' | 'answer lost' | 'muted' | 'held';

type Rule = (path: string, method: string) => Passage;

/** An HTTP proxy between the pages and the server, as a company or a hosting service has one. */
export class Gate {
  readonly url: string;
  /** Streams that are open now, and the most there were at once. */
  streams = 0;
  mostStreams = 0;
  readonly refused: string[] = [];
  readonly passed: { path: string; method: string; body: string }[] = [];
  #rule: Rule = () => 'through';
  #opened: () => void = () => undefined;
  #opening = Promise.resolve();
  readonly #rewrite: (text: string) => string;

  private constructor(port: number, rewrite: (text: string) => string) {
    this.url = `http://127.0.0.1:${port}/`;
    this.#rewrite = rewrite;
  }

  /** `rewrite` may change what streams say, chunk by chunk. */
  static async before(server: { readonly url: string }, rewrite = (text: string) => text): Promise<Gate> {
    const proxy = createServer((req, res) => void gate.#pass(new URL(server.url), req, res));
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const gate = new Gate((proxy.address() as AddressInfo).port, rewrite);
    afterThisTest(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    return gate;
  }

  /** From now on; what was held goes the way of the new rule. */
  set rule(rule: Rule) {
    this.#rule = rule;
    this.#opened();
    this.#opening = new Promise((resolve) => (this.#opened = resolve));
  }

  async #pass(server: URL, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { method = '', url: path = '' } = req;
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
    const onward = request(
      { host: server.hostname, port: server.port, path, method, headers: req.headers },
      (answer) => {
        if (passage === 'answer lost') return res.destroy();
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        res.flushHeaders();
        if (!isStream) return answer.pipe(res);
        return answer
          .on('data', (chunk: Buffer) => {
            if (this.#rule(path, method) === 'through') res.write(this.#rewrite(chunk.toString()));
          })
          .on('close', () => res.destroy());
      },
    );
    onward.on('error', () => (res.headersSent ? res.destroy() : res.writeHead(502).end()));
    res.on('close', () => onward.destroy());
    const body: Buffer[] = [];
    req.on('data', (chunk: Buffer) => body.push(chunk));
    req.on('end', () => this.passed.push({ path, method, body: Buffer.concat(body).toString() }));
    req.pipe(onward);
  }
}
