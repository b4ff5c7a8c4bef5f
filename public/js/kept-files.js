/** Files that wait to be sent. The browser keeps them, so that they survive a reload. If it cannot, only this page has them. */
const MOST_BYTES = 100 * 2 ** 20;
const WITHIN_MS = 4000;
const OLD_MS = 60 * 60_000;

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
export async function keepFiles(files) {
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
