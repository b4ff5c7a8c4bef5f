import { setTimeout as pause } from 'node:timers/promises';
import { Ledger, type Shown } from '../../faults/kit/ledger.ts';
import { Random } from '../../faults/kit/random.ts';
import { Sender } from '../../faults/kit/sender.ts';
import { ServerProcess } from '../../faults/kit/server-process.ts';
import { makeDirectory, removeDirectory } from '../../support/make-directory.ts';
import { openCuttingProxy, type CuttingProxy } from '../../support/open-cutting-proxy.ts';
import { until } from '../../support/until.ts';
import type { Client, Close } from './client.ts';

export interface CutOptions {
  readonly clients: readonly Client[];
  /** How many connections of each client are cut. */
  readonly cuts: number;
  readonly seed: number;
  /** A client that has not been cut so often by then has stopped reconnecting. */
  readonly withinMs: number;
}

/** What one client got. */
export interface Heard {
  readonly client: string;
  readonly version: string;
  readonly cuts: number;
  readonly messages: number;
  /** Only without a cursor: what it missed while connections were cut. */
  readonly missed: number;
  readonly lost: number;
  readonly twice: number;
  readonly reordered: number;
  readonly strange: number;
}

/** The head of an answer and the first events have about 700 bytes, a message about 200. */
const MOST_BYTES = 1500;
const PACE_MS = 2;
/** Sent once no more connections are cut. */
const CALM = 20;
/** Contains letters of several bytes, so that some cuts are inside a letter. */
const SENDER = '지은';
/** The mailbox of all clients with a cursor. Each of the others has its own, because they move its mark. */
const SHARED_MAILBOX = 'henry';

/** Lets clients listen through proxies that cut their connections at random bytes while messages come. */
export async function cutClients({ clients, cuts, seed, withinMs }: CutOptions): Promise<Heard[]> {
  const dir = makeDirectory();
  const server = await ServerProcess.start({ dir });
  const random = new Random(seed);
  const mailboxes = new Map<string, Mailbox>();
  const listeners: Listener[] = [];
  try {
    for (const [index, client] of clients.entries()) {
      const name = client.hasCursor ? SHARED_MAILBOX : `${SHARED_MAILBOX}-${index}`;
      const mailbox = mailboxes.get(name) ?? new Mailbox(name, server);
      mailboxes.set(name, mailbox);
      listeners.push(await Listener.open(client, mailbox, cuts, random.fork()));
    }
    const send = (): Promise<unknown> => Promise.all(Array.from(mailboxes.values(), (mailbox) => mailbox.send()));
    const endMs = performance.now() + withinMs;
    while (listeners.some(({ cutsLeft }) => cutsLeft > 0) && performance.now() < endMs) {
      await send();
      await pause(PACE_MS);
    }
    for (let i = 0; i < CALM; i += 1) await send();
    return await Promise.all(listeners.map((listener) => listener.judge(cuts)));
  } finally {
    await Promise.allSettled(listeners.map((listener) => listener.close()));
    for (const mailbox of mailboxes.values()) mailbox.close();
    await server.kill();
    await removeDirectory(dir);
  }
}

class Mailbox {
  readonly name: string;
  readonly url: string;
  readonly ledger = new Ledger();
  readonly #sender: Sender;
  #sent = 0;

  constructor(name: string, { port }: ServerProcess) {
    this.name = name;
    this.url = `http://127.0.0.1:${port}`;
    this.#sender = new Sender({ name: SENDER, receiver: name, ledger: this.ledger, port: () => port });
  }

  /** The texts that were sent once no more connections were cut. */
  get calm(): string[] {
    return Array.from({ length: CALM }, (_, i) => `${SENDER}:${this.#sent - CALM + i}`);
  }

  async send(): Promise<void> {
    await this.#sender.sendOne();
    this.#sent += 1;
  }

  close(): void {
    this.#sender.close();
  }
}

class Listener {
  readonly #client: Client;
  readonly #mailbox: Mailbox;
  readonly #proxy: CuttingProxy;
  readonly #shown: Shown[] = [];
  readonly #texts = new Set<string>();
  #stop: Close = () => undefined;

  private constructor(client: Client, mailbox: Mailbox, proxy: CuttingProxy) {
    this.#client = client;
    this.#mailbox = mailbox;
    this.#proxy = proxy;
  }

  static async open(client: Client, mailbox: Mailbox, cuts: number, random: Random): Promise<Listener> {
    const proxy = await openCuttingProxy(mailbox.url, () => random.between(1, MOST_BYTES), cuts);
    const listener = new Listener(client, mailbox, proxy);
    const start = client.hasCursor ? '&since=all' : '';
    listener.#stop = await client.listen(`${proxy.url}/status?receiver=${mailbox.name}${start}`, (id, data) => {
      const text = textOf(data);
      listener.#shown.push({ id, text });
      listener.#texts.add(text);
    });
    return listener;
  }

  get cutsLeft(): number {
    return this.#proxy.cutsLeft();
  }

  async judge(cuts: number): Promise<Heard> {
    const { ledger, calm } = this.#mailbox;
    const { hasCursor, name, version } = this.#client;
    const isIn = (): boolean => (hasCursor ? ledger.isIn(this.#texts) : calm.every((text) => this.#texts.has(text)));
    await until('', isIn).catch(() => undefined); // the verdict reports what is missing
    const { lost, twice, reordered, strange } = ledger.judge(this.#shown);
    const missed = hasCursor ? [] : lost.filter((text) => !calm.includes(text));
    return {
      client: name,
      version: version(),
      cuts: cuts - this.cutsLeft,
      messages: this.#shown.length,
      missed: missed.length,
      lost: lost.length - missed.length,
      twice: twice.length,
      reordered: reordered.length,
      strange: strange.length,
    };
  }

  async close(): Promise<void> {
    await this.#stop();
    this.#proxy.close();
  }
}

function textOf(data: string): string {
  try {
    return String((JSON.parse(data) as { message: unknown }).message);
  } catch {
    return data; // the verdict finds this strange
  }
}
