import { MailboxError } from './mailbox-error.ts';

declare const checked: unique symbol;

/** The name of a person or a room, in its canonical spelling. Only `mailboxName` makes one. */
export type MailboxName = string & { readonly [checked]: true };

/** The names of rooms begin with this. Names of people must not. */
export const ROOM_PREFIX = 'room.';

const SHAPE = /^[\p{L}\p{N}_-](?:[\p{L}\p{M}\p{N}._-]*[\p{L}\p{M}\p{N}_-])?$/u;
/** Invisible letters and marks. With one of them, a name would look like somebody else's. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\u2d7f\u{13441}\u{13442}\u{16fe4}]/u;
/** A dot above a letter that has one anyway. It cannot be seen, and Turkish capitals leave it behind in lower case. */
const SECOND_DOT = /(?<=\p{Soft_Dotted})\u0307+/gu;
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/;
const RESERVED_ENDING = /\.(?:txt|lock)$/;

/**
 * The canonical form of `input` (NFC, lower case, NFC; no dot above an i), so that a person has one mailbox, however the name
 * is spelled. Throws INVALID_NAME unless it is 1 to 64 letters, digits, `-`, `_` or inner dots, in at most 200 bytes of UTF-8.
 */
export function mailboxName(input: unknown): MailboxName {
  if (typeof input !== 'string') throw invalid('it is missing, or not a string');
  if (input.length > 256) throw invalid('it is too long');

  const name = input.normalize('NFC').toLowerCase().normalize('NFC').replaceAll(SECOND_DOT, '').normalize('NFC');
  if (UNSEEN.test(name)) throw invalid('it has invisible characters');
  if (!SHAPE.test(name)) throw invalid('it has a character that is not allowed, or a dot at an end');
  if (Array.from(name).length > 64 || Buffer.byteLength(name) > 200) throw invalid('it is too long');
  if (WINDOWS_DEVICE.test(name) || RESERVED_ENDING.test(name)) throw invalid('it is reserved');
  return name as MailboxName;
}

/** Whether this is a name in its canonical form. */
export function isMailboxName(input: string): input is MailboxName {
  try {
    return mailboxName(input) === input;
  } catch {
    return false;
  }
}

export function isRoom(mailbox: MailboxName): boolean {
  return mailbox.startsWith(ROOM_PREFIX);
}

/** Like `mailboxName`, for a person. Refuses names of rooms. */
export function personName(input: unknown): MailboxName {
  const name = mailboxName(input);
  if (isRoom(name)) throw invalid(`names that begin with "${ROOM_PREFIX}" are for rooms`);
  return name;
}

function invalid(why: string): MailboxError {
  return new MailboxError(
    'INVALID_NAME',
    `This is not a usable name: ${why}. Use 1 to 64 letters, digits, "-" or "_" (dots inside are fine).`,
  );
}
