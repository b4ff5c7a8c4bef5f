import { Agent, request } from 'node:http';
import { sha256Of, storeFile } from '../../support/files.ts';
import type { Ledger } from './ledger.ts';
import { setTimeout as pause } from 'node:timers/promises';

export interface Answer {
  readonly status: number;
  readonly body: { readonly id?: string; readonly error?: string };
}

export interface Post {
  readonly sender: string;
  readonly receiver: string;
  readonly message?: string;
  readonly key?: string;
  readonly files?: readonly { readonly name: string; readonly sha256: string }[];
  /** What it does to the message `of`. */
  readonly event?: string;
  readonly of?: string;
}

/** One `POST /messages`. Rejects if there is no answer. */
export function post(port: number, message: Post, { agent, timeoutMs = 10_000 }: PostOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(message);
    const req = request(
      {
        host: '127.0.0.1',
        port,
        method: 'POST',
        path: '/messages',
        ...(agent && { agent }),
        headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
      },
      (res) => {
        let text = '';
        res.setEncoding('utf8');
        res.on('data', (part: string) => (text += part));
        res.on('end', () => {
          clearTimeout(timer);
          try {
            resolve({ status: res.statusCode!, body: JSON.parse(text) as Answer['body'] });
          } catch (error) {
            reject(error);
          }
        });
        res.on('error', reject);
      },
    );
    const timer = setTimeout(() => req.destroy(new Error('no answer in time')), timeoutMs);
    req.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    req.end(body);
  });
}

interface PostOptions {
  readonly agent?: Agent;
  readonly timeoutMs?: number;
}

export interface SenderOptions {
  readonly name: string;
  readonly receiver: string;
  readonly ledger: Ledger;
  /** The port for the next attempt: a server may be dead or stopped. */
  readonly port: () => number;
  readonly timeoutMs?: number;
}

/** Sends numbered messages one after the other. Like our pages, it repeats each with the same key until it is accepted. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #next = 0;
  /** Whether each message comes with its text as a file. */
  attaches = false;
  /** Answers other than 2xx, by status or error code. */
  readonly refusals = new Map<string, number>();

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  async sendOne(): Promise<Answer> {
    const { name, receiver, ledger, port, timeoutMs = 1500 } = this.#options;
    const number = this.#next++;
    const text = ledger.post(name, number);
    const files = this.attaches ? { files: [{ name: 'text.txt', sha256: sha256Of(text) }] } : {};
    const message: Post = { sender: name, receiver, message: text, key: `key-${number}`, ...files };
    for (;;) {
      const at = { url: `http://127.0.0.1:${port()}` };
      const sending = this.attaches ? storeFile(at, name, receiver, text) : Promise.resolve();
      const answer = await sending
        .then(() => post(port(), message, { agent: this.#agent, timeoutMs }))
        .catch((error: Error) => error);
      if (!(answer instanceof Error) && (answer.status === 201 || answer.status === 200)) {
        ledger.accept(text);
        return answer;
      }
      const why = answer instanceof Error ? String(Object(answer).code ?? answer.message) : `${answer.status}`;
      this.refusals.set(why, (this.refusals.get(why) ?? 0) + 1);
      if (!(answer instanceof Error) && answer.status < 429) throw new Error(`refused: ${JSON.stringify(answer)}`);
      await pause(20);
    }
  }

  async send(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) await this.sendOne();
  }

  close(): void {
    this.#agent.destroy();
  }
}
