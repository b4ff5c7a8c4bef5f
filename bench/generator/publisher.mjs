import { connect } from 'node:net';

const HEAD_END = '\r\n\r\n';

/**
 * A keep-alive connection that posts one message at a time: HTTP/1.1 written by hand, to cost as little as possible.
 */
export class Publisher {
  #socket;
  #host;
  #text = '';
  #failed;
  /** @type {(() => void) | undefined} */
  #answered;

  /** @param {number} port @param {(error: Error) => void} failed */
  constructor(port, failed) {
    this.#failed = failed;
    this.#host = `localhost:${port}`;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text) => this.#read(String(text)));
    this.#socket.on('error', failed);
    this.#socket.on('close', () => this.#answered && failed(new Error('a connection was closed before the answer')));
  }

  /** `json` is ASCII. @param {string} json @param {() => void} answered  it is 201 */
  post(json, answered) {
    this.#answered = answered;
    this.#socket.write(
      `POST /messages HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}`,
      'latin1',
    );
  }

  /** Answers are short, and each has a Content-Length. @param {string} text */
  #read(text) {
    this.#text = this.#text === '' ? text : this.#text + text;
    const headEnd = this.#text.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#text.slice(0, headEnd))?.[1]);
    if (this.#text.length < headEnd + HEAD_END.length + length) return;
    if (!this.#text.startsWith('HTTP/1.1 201')) return this.#failed(new Error(`not accepted: ${this.#text}`));
    this.#text = '';
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.();
  }

  close() {
    this.#answered = undefined;
    this.#socket.destroy();
  }
}
