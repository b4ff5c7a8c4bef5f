import { z } from 'zod';
import { isSha256 } from './file-store.ts';

const MAX_FILES = 10;
const MAX_NAME = 255;
/** Invisible characters could reverse the order of the others, which hides the true ending of a name. */
const UNSAFE = /^\.+|[\p{C}\p{Zl}\p{Zp}"*:<>?|]/gu;
const Side = z.int().min(1).max(100_000).optional();

const Named = z.object({
  name: z.string().transform(fileName),
  sha256: z.string().refine(isSha256),
  width: Side,
  height: Side,
});

const Stored = Named.extend({
  type: z.string().regex(/^[\w.+-]{1,60}\/[\w.+-]{1,60}$/),
  bytes: z.int().min(0),
});

/** A file that comes with a message. Its content is stored by its SHA-256, in hex. */
export type MessageFile = Readonly<z.infer<typeof Stored>>;

/** The files that a client names. The server knows their types and sizes. */
export const NamedFiles = z.array(Named).min(1).max(MAX_FILES);

/** The files that a stored message names. */
export const MessageFiles = z.array(Stored).min(1).max(MAX_FILES);

/** The last part of a path, without characters that are unsafe in a file name. */
export function fileName(text: string): string {
  const last = text.split(/[/\\]/).at(-1)!;
  return last.slice(0, MAX_NAME).replaceAll(UNSAFE, '_') || 'file';
}
