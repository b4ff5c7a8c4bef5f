import { open } from 'node:fs/promises';

/** The images that every browser shows, and that can hold no scripts. */
const SHOWN = new Set(['image/png', 'image/apng', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif']);
/** What `file-type` looks at. */
const HEAD_BYTES = 4100;
export const UNKNOWN_TYPE = 'application/octet-stream';

/** The media type of a file, by its content. */
export async function typeOfFile(path: string): Promise<string> {
  const { fileTypeFromBuffer } = await import('file-type'); // takes long to load, and most servers store no files at once
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const found = await fileTypeFromBuffer(buffer.subarray(0, bytesRead)).catch(() => undefined); // of a malformed one
    return found?.mime ?? UNKNOWN_TYPE;
  } finally {
    await file.close();
  }
}

/** Whether a browser may show a file of this type in the page. */
export function isShown(type: string): boolean {
  return SHOWN.has(type);
}
