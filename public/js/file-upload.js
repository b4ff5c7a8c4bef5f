/** Uploads one file to the server. */
import { address, Refusal } from './server.js';

const STALLED_MS = 30_000;

/**
 * Uploads a file, for a message that will name it. Without any progress for a while, it ends without an answer.
 * @param {{ sender: string, receiver: string, file: Blob, signal: AbortSignal, onProgress: (bytes: number) => void }} upload
 * @returns {Promise<{ sha256: string }>}
 */
export function uploadFile({ sender, receiver, file, signal, onProgress }) {
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
