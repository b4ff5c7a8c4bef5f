/** Files that wait to be sent. The browser keeps them, so that they survive a reload. If it cannot, only this page has them. */
const MOST_BYTES = 100 * 2 ** 20;
const WITHIN_MS = 4000;
const OLD_MS = 60 * 60_000;

/** @typedef {{ blob: Blob, bytes: number, at: number }} Kept */

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

/** Resolves to whether the browser keeps all of them. @param {Map<string, Blob>} files by name */
export async function keepFiles(files) {
  for (const [name, blob] of files) memory.set(name, blob);
  try {
    const kept = await within('readonly', (store) => store.getAll());
    const bytes = [...kept, ...[...files.values()].map(({ size }) => ({ bytes: size }))];
    if (bytes.reduce((sum, one) => sum + one.bytes, 0) > MOST_BYTES) return false;
    await within('readwrite', (store) => {
      const requests = [...files].map(([name, blob]) => store.put({ blob, bytes: blob.size, at: Date.now() }, name));
      return /** @type {IDBRequest<IDBValidKey>} */ (requests[0]);
    });
    return true;
  } catch {
    return false;
  }
}

/** @param {string} name @returns {Promise<Blob | undefined>} */
export async function keptFile(name) {
  const here = memory.get(name);
  if (here) return here;
  const kept = await within('readonly', (store) => store.get(name)).catch(() => undefined);
  return kept?.blob instanceof Blob ? kept.blob : undefined;
}

/** @param {string} start how the names begin */
export async function dropFiles(start) {
  for (const name of memory.keys()) if (name.startsWith(start)) memory.delete(name);
  await within('readwrite', (store) => store.delete(IDBKeyRange.bound(start, `${start}\uffff`))).catch(() => undefined);
}

/** Removes what a crash has left behind. @param {string} start @param {(name: string) => boolean} isWanted */
export async function dropOldFiles(start, isWanted) {
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
