const MAX_NAME = 255;
/** Invisible characters could reverse the order of the others, which hides the true ending of a name. */
const UNSAFE = /^\.+|[\p{C}\p{Zl}\p{Zp}"*:<>?|]/gu;

/** The last part of a path, without characters that are unsafe in a file name. */
export function fileName(text: string): string {
  const last = text.split(/[/\\]/).at(-1)!;
  return last.slice(0, MAX_NAME).replaceAll(UNSAFE, '_') || 'file';
}
