/**
 * Uploads the files of letters, one at a time, while other messages are sent. Until then the browser keeps them, so that they
 * survive a reload. If it cannot, only this page has them.
 */
import { showProgress } from './attachments.js';
import { address, backOffMs, Refusal } from './server.js';

/** After so many, somebody has to decide. */
const MOST_FAILURES = 4;
const GONE = 410;
/** Somebody may take back the deletion of a letter. */
const FORGET_MS = 60_000;
const MOST_BYTES = 100 * 2 ** 20;
const WITHIN_MS = 4000;
const STALLED_MS = 30_000;
const OLD_MS = 60 * 60_000;

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
    void dropOldFiles(outbox.prefix, (name) => this.#isNamed(name));
  }

  /** Keeps the files of a letter in this browser, and returns what the letter says of them. @param {string} key @param {import('./tray.js').Ready[]} files */
  async enclose(key, files) {
    const named = files.map(({ blob, ...file }, at) => ({
      blob,
      file: { ...file, kept: `${this.outbox.prefix}${key}/${at}-${file.bytes}` },
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
    const start = `${this.outbox.prefix}${key}/`;
    setTimeout(() => this.#isNamed(start) || void dropFiles(start), FORGET_MS);
  }

  /** Whether a letter has such files. @param {string} start how their names begin */
  #isNamed(start) {
    return this.outbox.letters.some(({ files = [] }) => files.some(({ kept }) => kept?.startsWith(start)));
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

/**
 * Uploads a file, for a message that will name it. Without any progress for a while, it ends without an answer.
 * @param {{ sender: string, receiver: string, file: Blob, signal: AbortSignal, onProgress: (bytes: number) => void }} upload
 * @returns {Promise<{ sha256: string }>}
 */
function uploadFile({ sender, receiver, file, signal, onProgress }) {
  const request = new XMLHttpRequest(); // `fetch` does not report progress
  let stalled = 0;
  const expectProgress = () => {
    clearTimeout(stalled);
    stalled = setTimeout(() => request.abort(), STALLED_MS);
  };
  return new Promise((resolve, reject) => {
    request.upload.addEventListener('progress', ({ loaded }) => {
      expectProgress();
      onProgress(loaded);
    });
    request.addEventListener('loadend', () => {
      clearTimeout(stalled);
      const { status, response } = request;
      if (status < 300 && response?.sha256) return resolve(response);
      const retryAfterMs = Number(request.getResponseHeader('retry-after')) * 1000 || undefined;
      reject(new Refusal(status, retryAfterMs, response?.error));
    });
    signal.addEventListener('abort', () => request.abort());
    request.open('POST', address('files', { sender, receiver }));
    request.responseType = 'json';
    request.setRequestHeader('Content-Type', 'application/octet-stream'); // a parser of the host application would take a text
    request.send(file);
    expectProgress();
  });
}

/** @type {Map<string, Blob>} */
const memory = new Map();

/** @type {Promise<IDBDatabase> | undefined} */
let opening;

function database() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('mailbox-chat', 1);
    request.addEventListener('upgradeneeded', () => request.result.createObjectStore('files'));
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error));
  });
  opening.catch(() => (opening = undefined));
  return opening;
}

/**
 * Calls `use` within a transaction. Rejects if the browser allows none, is full, or does not answer.
 * @template T @param {IDBTransactionMode} mode @param {(files: IDBObjectStore) => IDBRequest<T>} use @returns {Promise<T>}
 */
async function within(mode, use) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error('no answer')), WITHIN_MS));
  const work = async () => {
    const transaction = (await database()).transaction('files', mode);
    const request = use(transaction.objectStore('files'));
    await new Promise((resolve, reject) => {
      transaction.addEventListener('complete', resolve);
      transaction.addEventListener('abort', () => reject(transaction.error));
    });
    return request.result;
  };
  return /** @type {Promise<T>} */ (Promise.race([work(), late]));
}

/**
 * Resolves to whether the browser keeps all of them.
 * @param {Map<string, Blob>} files by names that end in their sizes: so nobody reads the files to add these up
 */
async function keepFiles(files) {
  for (const [name, blob] of files) memory.set(name, blob);
  try {
    const before = await within('readonly', (store) => store.getAllKeys());
    const sizes = [...before, ...files.keys()].map((name) => (typeof name === 'string' ? sizeIn(name) : 0));
    if (sizes.reduce((sum, size) => sum + size, 0) > MOST_BYTES) return false;
    for (const [name, blob] of files) {
      // In private windows, WebKit stores bytes, but no blobs.
      const one = { bytes: await blob.arrayBuffer(), type: blob.type, at: Date.now() };
      await within('readwrite', (store) => store.put(one, name));
    }
    return true;
  } catch {
    return false;
  }
}

/** @param {string} name */
const sizeIn = (name) => Number(/\d+$/.exec(name)?.[0] ?? 0);

/** @param {string} name @returns {Promise<Blob | undefined>} */
export async function keptFile(name) {
  const here = memory.get(name);
  if (here) return here;
  const kept = await within('readonly', (store) => store.get(name)).catch(() => undefined);
  return kept?.bytes instanceof ArrayBuffer ? new Blob([kept.bytes], { type: kept.type }) : undefined;
}

/** @param {string} start how the names begin */
async function dropFiles(start) {
  for (const name of memory.keys()) if (name.startsWith(start)) memory.delete(name);
  await within('readwrite', (store) => store.delete(IDBKeyRange.bound(start, `${start}\uffff`))).catch(() => undefined);
}

/** Removes what a crash has left behind. @param {string} start @param {(name: string) => boolean} isWanted */
async function dropOldFiles(start, isWanted) {
  const range = IDBKeyRange.bound(start, `${start}\uffff`);
  try {
    for (const name of await within('readonly', (store) => store.getAllKeys(range))) {
      if (typeof name !== 'string' || isWanted(name)) continue;
      const kept = await within('readonly', (store) => store.get(name));
      if (!(Date.now() - kept?.at < OLD_MS)) await dropFiles(name);
    }
  } catch {
    // nothing is kept, or the next visit removes it
  }
}
