import { inTime } from './until.ts';

/** Reads the text of a stream as it comes. */
export class StreamText {
  text = '';
  readonly #reader: ReadableStreamDefaultReader<string>;

  constructor({ body }: Response) {
    this.#reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Reads on until all of these have come; rejects if the stream ends before that. */
  async upTo(...parts: readonly (string | RegExp)[]): Promise<string> {
    const isThere = (part: string | RegExp): boolean => this.text.search(literal(part)) !== -1;
    while (!parts.every(isThere)) {
      const { done, value } = await inTime(parts.join(', '), this.#reader.read());
      if (done) throw new Error(`The stream ended before ${parts.join(', ')}: ${this.text}`);
      this.text += value;
    }
    return this.text;
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

function literal(part: string | RegExp): RegExp {
  return typeof part === 'string' ? new RegExp(part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)) : part;
}
