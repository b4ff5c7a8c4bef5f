/** What is written but not yet stored. Letters are sent in order, each always with the same key, so that none comes twice. */
import { ownIdentity } from './conversation.js';
import { newKey } from './draft.js';
import { findStored, SAME_KEY_MS } from './history-pages.js';
import { loadUploads } from './later.js';
import { hasToUpload, KeptLetters, saidIn } from './letters.js';
import { shownName } from './names.js';
import { backOffMs, Refusal, sendMessage } from './server.js';

export class Outbox {
  /** @type {import('./uploads.js').Uploads | undefined} */ #uploads;
  #retry = 0;
  #running = false;
  #failures = 0;
  /** @type {boolean | undefined} */ #connected;
  #waiting = false;
  #sending = { key: '', stop: new AbortController() };
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
    this.kept = new KeptLetters(this.prefix, (gone) => {
      if (gone && gone === this.#sending.key) this.#sending.stop.abort(); // otherwise it might be sent once more
      options.onChange();
    });
  }

  /** In the order they were written. @returns {(Letter & { state: LetterState })[]} */
  get letters() {
    return this.kept.all.map((letter) => ({ ...letter, state: this.#stateOf(letter) }));
  }

  /** @param {Omit<Letter, 'at'>} letter @param {import('./tray.js').Ready[]} [files] */
  async add(letter, files = []) {
    const newest = this.kept.all.at(-1)?.at ?? 0;
    const written = { ...letter, at: Math.max(Date.now(), newest + 1) };
    // Large files take a while. What follows with smaller ones must not be ready before.
    if (files.length) await (this.#enclosing = this.#enclosing.then(() => this.#enclose(written, files)));
    else this.kept.keep(written);
    void this.flush();
  }

  /** @param {Letter} letter @param {import('./tray.js').Ready[]} files */
  async #enclose(letter, files) {
    const uploads = await this.#loadUploads();
    this.kept.keep({ ...letter, files: await uploads.enclose(letter.key, files) });
  }

  /** @param {string} key */
  retry(key) {
    const letter = this.kept.get(key);
    if (!letter) return;
    // The server keeps files that no message names for a day only: they are uploaded again.
    const files = letter.files?.map((file) => ({ ...file, sha256: undefined }));
    this.kept.keep({ ...letter, files, failed: false, behind: undefined });
    void this.flush();
  }

  /** Returns the letter that was removed. @param {string} key */
  delete(key) {
    const letter = this.kept.get(key);
    this.kept.delete(key);
    if (letter?.files) void this.#loadUploads().then((uploads) => uploads.cancel(key));
    return letter;
  }

  /** Deletes a letter that somebody does not want to send. Its key is kept: an attempt may have succeeded, or may still do so. @param {string} key */
  takeBack(key) {
    const letter = this.delete(key);
    if (!letter?.event) this.kept.keep({ key, message: '', at: Date.now(), takenBackAt: Date.now() });
    return letter;
  }

  /** Sends a letter that was taken back, under a new key: an attempt with the old one may have succeeded. @param {Omit<Letter, 'key'>} letter */
  restore(letter) {
    this.kept.keep({ ...letter, key: newKey() });
    void this.flush();
  }

  /** Gives a letter another text. @param {string} key @param {string} message */
  replace(key, message) {
    const letter = { at: Date.now(), ...this.takeBack(key) };
    this.restore({ ...letter, message, failed: false, triedAt: undefined, behind: undefined });
  }

  /** Removes what was taken back, but is stored. @param {import('./conversation.js').Conversation} conversation */
  removeFrom(conversation) {
    for (const key of this.kept.takenBack) {
      const stored = conversation.messages.find(({ identity }) => identity === ownIdentity(key));
      if (!stored) continue;
      this.delete(key);
      // In every tab the same key: it is removed once.
      if (!stored.isRemoved) void this.add({ message: '', event: 'remove', of: stored.id, key: `remove-${key}` });
    }
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
    if (this.kept.all.length) this.options.onChange();
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
    this.#sending = { key: letter.key, stop: new AbortController() };
    const requestedAt = Date.now();
    const wasConnected = this.#connected;
    try {
      const stored = await this.#post(letter);
      this.#failures = 0;
      if (stored) this.options.onStored(stored, requestedAt); // before it leaves the outbox, so that its row never disappears
      if (this.kept.get(letter.key)) this.delete(letter.key);
      else this.options.onChange(); // it was taken back meanwhile
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const known = this.kept.get(letter.key);
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
      const stored = await findStored(letter, this.options.history, this.options.me);
      if (stored || !this.kept.get(letter.key)) return stored;
    }
    if (!letter.triedAt || this.#isOverdue(letter.key)) this.kept.update({ ...letter, triedAt: Date.now() });
    const { me, other } = this.options;
    const name = shownName(me) === me ? undefined : shownName(me);
    const { signal } = this.#sending.stop;
    return sendMessage({ sender: me, receiver: other, ...saidIn(letter), key: letter.key, name }, signal);
  }

  /** @param {Letter} letter @param {number} [status] */
  #fail(letter, status) {
    const isForNothing = letter.event && (status === 404 || status === 409); // the message that it changes is gone
    if (isForNothing) {
      this.delete(letter.key);
      return this.options.onProblem('gone');
    }
    this.kept.update({ ...letter, failed: true, behind: this.options.newest() });
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
    const letter = this.kept.get(key);
    if (!letter) return; // it was deleted meanwhile
    this.kept.update({ ...letter, files });
    if (!hasToUpload({ files })) void this.flush();
  }

  /** @param {string} key @param {Refusal} refusal */
  notUploaded(key, refusal) {
    const letter = this.kept.get(key);
    if (!letter) return;
    if (refusal.isDenied) this.options.onDenied();
    this.#fail(letter);
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
    const { triedAt = now } = this.kept.get(key) ?? {};
    return Math.abs(now - triedAt) + inMs > SAME_KEY_MS; // a clock that was set far back tells nothing
  }

  /** @param {Letter} letter @returns {LetterState} */
  #stateOf(letter) {
    if (letter.failed) return 'failed';
    return this.#waiting || this.#connected === false ? 'waiting' : 'sending';
  }
}
