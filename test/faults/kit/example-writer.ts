import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { FOREIGN, type Ledger } from './ledger.ts';
import { tracked } from './server-process.ts';

export interface ExampleWriterOptions {
  readonly name: string;
  /** The command line of a `write` program in examples/mail. */
  readonly command: readonly string[];
  readonly mailboxFile: string;
  readonly ledger: Ledger;
  /** Returns how many it may append now, `most` at the most; 0: it has to end. */
  readonly take: (most: number) => number;
  /** Appends so many at full speed, … */
  readonly burst: number;
  /** … then rests for so long. */
  readonly restMs: number;
}

/** An example in another language. It appends each line it gets, and prints the line once it is in the file. */
export class ExampleWriter {
  readonly #options: ExampleWriterOptions;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  readonly #done: Promise<void>;
  #isStopped = false;
  #isOver = false;

  constructor(options: ExampleWriterOptions) {
    this.#options = options;
    const [program = '', ...args] = options.command;
    this.#child = tracked(spawn(program, [...args, options.mailboxFile], { stdio: ['pipe', 'pipe', 'inherit'] }));
    this.#child.stdin!.on('error', () => undefined); // its exit tells that it has ended
    this.#exited = new Promise((done) => this.#child.once('exit', (code) => done(code)));
    this.#done = this.#write().finally(() => (this.#isOver = true));
    this.#done.catch(() => undefined); // `stop` reports the error
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Ends after the appends that are under way. All of them are then in the ledger. */
  stop(): Promise<void> {
    this.#isStopped = true;
    return this.#done;
  }

  async #write(): Promise<void> {
    const { name, ledger, take, burst, restMs } = this.#options;
    const written = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
    let number = 0;
    for (let count = take(burst); count > 0 && !this.#isStopped; count = take(burst)) {
      const texts = Array.from({ length: count }, () => ledger.post(FOREIGN + name, number++));
      this.#child.stdin!.write(`${texts.join('\n')}\n`);
      for (const text of texts) {
        const { value } = (await written.next()) as { value?: string };
        if (value !== text) throw new Error(`${name} did not append ${text}`);
        ledger.accept(text);
      }
      await pause(restMs);
    }
    this.#child.stdin!.end();
    if ((await this.#exited) !== 0) throw new Error(`${name} failed`);
  }
}
