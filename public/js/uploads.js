/** Uploads the files of letters, one at a time, while other messages are sent. */
import { showProgress } from './attachments.js';
import { uploadFile } from './file-upload.js';
import { dropFiles, dropOldFiles, keepFiles, keptFile } from './kept-files.js';
import { backOffMs, Refusal } from './server.js';
import { recall } from './storage.js';

export { keptFile };

/** After so many, somebody has to decide. */
const MOST_FAILURES = 4;
const GONE = 410;
/** Somebody may take back the deletion of a letter. */
const FORGET_MS = 60_000;

export class Uploads {
  #running = false;
  #failures = 0;
  #retry = 0;
  #key = '';
  #stop = new AbortController();

  /** @param {import('./outbox.js').Outbox} outbox @param {() => Letter | undefined} next the next letter with a file to upload */
  constructor(outbox, next) {
    this.outbox = outbox;
    this.next = next;
    const isLetter = (/** @type {string} */ name) => recall(name.slice(0, name.lastIndexOf('/'))) !== undefined;
    void dropOldFiles(outbox.prefix, isLetter);
  }

  /** Keeps the files of a letter in this browser, and returns what the letter says of them. @param {string} key @param {import('./pictures.js').Ready[]} files */
  async enclose(key, files) {
    const named = files.map(({ blob, ...file }, at) => ({
      blob,
      file: { ...file, kept: `${this.#nameOf(key)}${at}-${file.bytes}` },
    }));
    const isKept = await keepFiles(new Map(named.map(({ blob, file }) => [file.kept, blob])));
    if (!isKept) this.outbox.options.onProblem('notKept');
    return named.map(({ file }) => file);
  }

  async run() {
    clearTimeout(this.#retry);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let letter = this.next(); letter; letter = this.next()) if (!(await this.#alone(letter.key))) break;
    } finally {
      this.#running = false;
    }
  }

  /** The letter is no longer there: it was sent or deleted. @param {string} key */
  cancel(key) {
    if (key === this.#key) this.#stop.abort();
    const isBack = () => recall(this.outbox.prefix + key) !== undefined;
    setTimeout(() => isBack() || void dropFiles(this.#nameOf(key)), FORGET_MS);
  }

  /** How the names of its files begin. @param {string} key */
  #nameOf(key) {
    return `${this.outbox.prefix}${key}/`;
  }

  /** Two tabs do not upload the same files. Resolves to whether the next letter may follow. @param {string} key */
  #alone(key) {
    const upload = async () => {
      const letter = this.next();
      return letter?.key !== key || (await this.#send(letter));
    };
    return navigator.locks ? navigator.locks.request(`mailbox-chat upload ${key}`, upload) : upload();
  }

  /** @param {Letter} letter */
  async #send(letter) {
    this.#key = letter.key;
    this.#stop = new AbortController();
    try {
      await this.#uploadAll(letter);
      this.#failures = 0;
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (this.#stop.signal.aborted) return true;
      return this.#refused(letter.key, error);
    } finally {
      this.#key = '';
    }
  }

  /** @param {string} key @param {Refusal} refusal */
  #refused(key, refusal) {
    const { retryAfterMs, status, isFinal } = refusal;
    const isTired = status !== 429 && this.outbox.connected && ++this.#failures > MOST_FAILURES;
    if (!isFinal && !isTired) {
      this.#retry = setTimeout(() => void this.run(), retryAfterMs ?? backOffMs(this.#failures));
      return false;
    }
    this.#failures = 0;
    this.outbox.notUploaded(key, refusal);
    this.outbox.options.onProblem(problemOf(status));
    return true;
  }

  /** @param {Letter} letter */
  async #uploadAll({ key, files = [] }) {
    const { me: sender, other: receiver } = this.outbox.options;
    const total = files.reduce((sum, { bytes }) => sum + bytes, 1);
    const uploaded = [...files];
    let before = 0;
    for (const [at, file] of files.entries()) {
      if (!file.sha256) {
        const blob = await keptFile(file.kept ?? '');
        if (!blob) throw new Refusal(GONE);
        const onProgress = (/** @type {number} */ bytes) => showProgress(key, (before + bytes) / total);
        const { sha256 } = await uploadFile({ sender, receiver, file: blob, signal: this.#stop.signal, onProgress });
        uploaded[at] = { ...file, sha256 };
        this.outbox.uploaded(key, [...uploaded]);
      }
      before += file.bytes;
    }
  }
}

/** What to say about a file that cannot be uploaded. @param {number} status */
function problemOf(status) {
  if (status === GONE) return 'fileGone';
  return status === 507 ? 'noRoom' : status >= 400 ? 'refusedFile' : 'noAnswer';
}
