/** What is written but not yet stored. Letters are sent in order, each always with the same key, so that none comes twice. */
import { loadUploads } from './later.js';
import { hasToUpload, readLetter, saidIn } from './letters.js';
import { shownName } from './names.js';
import { backOffMs, readHistory, Refusal, sendMessage } from './server.js';
import { forget, onChangedElsewhere, recall, recallKeys, remember } from './storage.js';

// The server remembers a key for at least two minutes. After this time, check first whether an attempt has succeeded.
const SAME_KEY_MS = 60_000;
const LOOK_BACK_PAGES = 40;

export class Outbox {
  /** @type {Map<string, Letter>} */ #letters = new Map();
  /** @type {import('./uploads.js').Uploads | undefined} */ #uploads;
  #retry = 0;
  #running = false;
  #failures = 0;
  /** @type {boolean | undefined} */ #connected;
  #waiting = false;
  #enclosing = Promise.resolve();

  /**
   * @param {{ me: string, other: string, history: Which, newest: () => string | undefined,
   *   onChange: () => void, onStored: (stored: StoredMessage | MessageChange, requestedAt: number) => void,
   *   onTooFast: (seconds: number) => void, onFailed: () => void, onDenied: () => void,
   *   onProblem: (problem: string) => void }} options
   *   `newest`: the identity of the newest message; '' if there is none, undefined if that is not known yet
   */
  constructor(options) {
    this.options = options;
    this.prefix = `outbox/${options.me}/${options.other}/`;
    for (const name of recallKeys(this.prefix)) {
      if (!this.#load(name)) forget(name); // damaged by a crash of the browser: it cannot be sent
    }
    onChangedElsewhere(this.prefix, (name) => {
      if (name === undefined) return; // if the storage was cleared, the letter is still sent
      this.#load(name);
      options.onChange();
    });
  }

  /** In the order they were written. @returns {(Letter & { state: LetterState })[]} */
  get letters() {
    return [...this.#letters.values()]
      .toSorted((a, b) => a.at - b.at)
      .map((letter) => ({ ...letter, state: this.#stateOf(letter) }));
  }

  /** @param {Omit<Letter, 'at'>} letter @param {import('./pictures.js').Ready[]} [files] */
  async add(letter, files = []) {
    const newest = Math.max(0, ...[...this.#letters.values()].map(({ at }) => at));
    const written = { ...letter, at: Math.max(Date.now(), newest + 1) };
    // Large files take a while. What follows with smaller ones must not be ready before.
    if (files.length) await (this.#enclosing = this.#enclosing.then(() => this.#enclose(written, files)));
    else this.#keep(written);
    void this.flush();
  }

  /** @param {Letter} letter @param {import('./pictures.js').Ready[]} files */
  async #enclose(letter, files) {
    const uploads = await this.#loadUploads();
    this.#keep({ ...letter, files: await uploads.enclose(letter.key, files) });
  }

  /** @param {string} key */
  retry(key) {
    const letter = this.#letters.get(key);
    if (!letter) return;
    // The server keeps files that no message names for a day only: they are uploaded again.
    const files = letter.files?.map((file) => ({ ...file, sha256: undefined }));
    this.#keep({ ...letter, files, failed: false, behind: undefined });
    void this.flush();
  }

  /** Returns the letter that was removed. @param {string} key */
  delete(key) {
    const letter = this.#letters.get(key);
    this.#letters.delete(key);
    forget(this.prefix + key);
    if (letter?.files) void this.#loadUploads().then((uploads) => uploads.cancel(key));
    this.options.onChange();
    return letter;
  }

  /** @param {Letter} letter */
  restore(letter) {
    this.#keep(letter);
    void this.flush();
  }

  get connected() {
    return this.#connected;
  }

  /** @param {boolean | undefined} connected undefined: nobody knows yet */
  set connected(connected) {
    if (connected === this.#connected) return;
    this.#connected = connected;
    this.#failures = 0;
    if (connected) void this.flush();
    if (this.#letters.size) this.options.onChange();
  }

  async flush() {
    clearTimeout(this.#retry);
    void this.#upload();
    if (this.#running) return;
    this.#running = true;
    this.#waiting = false;
    try {
      for (;;) {
        // Another tab may be sending it, too: the same key makes that harmless.
        const next = this.letters.find((letter) => !letter.failed && !hasToUpload(letter));
        if (!next || !(await this.#send(next))) break;
      }
    } finally {
      this.#running = false;
    }
  }

  /** Resolves to whether the next letter may follow. @param {Letter} letter */
  async #send(letter) {
    const requestedAt = Date.now();
    const wasConnected = this.#connected;
    try {
      const stored = await this.#post(letter);
      this.#failures = 0;
      if (stored) this.options.onStored(stored, requestedAt); // before it leaves the outbox, so that its row never disappears
      this.delete(letter.key);
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const known = this.#letters.get(letter.key);
      if (!known) return true; // it was deleted meanwhile
      if (error.isDenied) this.options.onDenied();
      if (error.isFinal || !this.#tryLater(letter.key, error, wasConnected)) {
        this.#fail(known, error.status);
        return true;
      }
      this.#waiting = true;
      this.options.onChange();
      return false;
    }
  }

  /** Resolves to undefined if it was deleted meanwhile. @param {Letter} letter */
  async #post(letter) {
    // A change that is stored twice changes nothing more.
    if (!letter.event && this.#isOverdue(letter.key)) {
      const stored = await this.#find(letter);
      if (stored || !this.#letters.has(letter.key)) return stored;
    }
    if (!letter.triedAt || this.#isOverdue(letter.key)) this.#update({ ...letter, triedAt: Date.now() });
    const { me, other } = this.options;
    const name = shownName(me) === me ? undefined : shownName(me);
    return sendMessage({ sender: me, receiver: other, ...saidIn(letter), key: letter.key, name });
  }

  /** @param {Letter} letter @param {number} [status] */
  #fail(letter, status) {
    const isForNothing = letter.event && (status === 404 || status === 409); // the message that it changes is gone
    if (isForNothing) {
      this.delete(letter.key);
      return this.options.onProblem('gone');
    }
    this.#update({ ...letter, failed: true, behind: this.options.newest() });
    this.options.onFailed();
  }

  async #upload() {
    if (this.#letterToUpload()) await (await this.#loadUploads()).run();
  }

  #letterToUpload() {
    return this.letters.find((letter) => !letter.failed && hasToUpload(letter));
  }

  #loadUploads() {
    return loadUploads().then(({ Uploads }) => (this.#uploads ??= new Uploads(this, () => this.#letterToUpload())));
  }

  /** @param {string} key @param {SharedFile[]} files */
  uploaded(key, files) {
    const letter = this.#letters.get(key);
    if (!letter) return; // it was deleted meanwhile
    this.#update({ ...letter, files });
    if (!hasToUpload({ files })) void this.flush();
  }

  /** @param {string} key @param {Refusal} refusal */
  notUploaded(key, refusal) {
    const letter = this.#letters.get(key);
    if (!letter) return;
    if (refusal.isDenied) this.options.onDenied();
    this.#fail(letter);
  }

  /** Whether an attempt without an answer has succeeded after all. @param {Letter} letter */
  async #find(letter) {
    let before;
    for (let page = 0; page < LOOK_BACK_PAGES; page++) {
      const history = await readHistory({ ...this.options.history, before });
      const stored = history.messages.find((one) => one.key === letter.key && one.sender === this.options.me);
      if (stored) return stored;
      const writtenAt = letter.at + history.now - Date.now() - SAME_KEY_MS;
      if (!history.before || Date.parse(history.messages[0]?.time ?? '') < writtenAt) break;
      before = history.before;
    }
    return undefined;
  }

  /** False if it has been tried automatically for long enough. @param {string} key @param {Refusal} error @param {boolean} [wasConnected] */
  #tryLater(key, { retryAfterMs, status }, wasConnected) {
    const ms = retryAfterMs ?? backOffMs(this.#failures++);
    const tooLate = this.#isOverdue(key, ms);
    if (status === 429) this.options.onTooFast(Math.ceil(ms / 1000));
    // An attempt that began without a connection says nothing about a server that is back by now.
    else if (tooLate && wasConnected && this.#connected) return false;
    clearTimeout(this.#retry);
    // If the server was out of reach for so long, the letter waits until the stream is back.
    if (status === 429 || !tooLate || this.#connected) this.#retry = setTimeout(() => void this.flush(), ms);
    return true;
  }

  /** Whether the first attempt will then be too long ago. @param {string} key @param {number} [inMs] */
  #isOverdue(key, inMs = 0) {
    const now = Date.now();
    const { triedAt = now } = this.#letters.get(key) ?? {};
    return Math.abs(now - triedAt) + inMs > SAME_KEY_MS; // a clock that was set far back tells nothing
  }

  /** @param {Letter} letter @returns {LetterState} */
  #stateOf(letter) {
    if (letter.failed) return 'failed';
    return this.#waiting || this.#connected === false ? 'waiting' : 'sending';
  }

  /** Updates a letter. If another tab has sent or deleted it meanwhile, it is not stored again. @param {Letter} letter */
  #update(letter) {
    if (recall(this.prefix + letter.key) !== undefined) return this.#keep(letter);
    this.#letters.set(letter.key, letter);
    this.options.onChange();
  }

  /** @param {Letter} letter */
  #keep(letter) {
    remember(this.prefix + letter.key, JSON.stringify(letter));
    this.#letters.set(letter.key, letter);
    this.options.onChange();
  }

  /** @param {string} name the storage key */
  #load(name) {
    const key = name.slice(this.prefix.length);
    const letter = readLetter(recall(name), key);
    this.#letters.delete(key);
    if (letter) this.#letters.set(key, letter);
    return letter;
  }
}
