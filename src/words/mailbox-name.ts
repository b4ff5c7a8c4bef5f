import { MailboxError } from './mailbox-error.ts';

declare const checked: unique symbol;

/** The name of a person or a room, in its one canonical spelling. Only `mailboxName` makes one. */
export type MailboxName = string & { readonly [checked]: true };

/** Mailboxes of rooms begin with this; people's names may not. */
export const ROOM_PREFIX = 'room.';

const SHAPE = /^[\p{L}\p{N}_-](?:[\p{L}\p{M}\p{N}._-]*[\p{L}\p{M}\p{N}_-])?$/u;
/** Letters and marks that leave no ink: by one of them, a name would look like somebody else's. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\u2d7f\u{13441}\u{13442}\u{16fe4}]/u;
/** Seen nowhere but in the bytes: the dot is there already. Capitals of Turkish leave it behind. */
const SECOND_DOT = /(?<=\p{Soft_Dotted})\u0307+/gu;
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/;
const RESERVED_ENDING = /\.(?:txt|lock)$/;

/**
 * The canonical form of `input` (NFC, lower case, NFC; no dot above an i), so that one person has one mailbox however they spell it.
 * Throws INVALID_NAME unless it is 1 to 64 letters, digits, `-`, `_` or inner dots in at most 200 bytes of UTF-8.
 */
export function mailboxName(input: unknown): MailboxName {
  if (typeof input !== 'string') throw invalid('it is missing or not a text');
  if (input.length > 256) throw invalid('it is too long');

  const name = input.normalize('NFC').toLowerCase().normalize('NFC').replaceAll(SECOND_DOT, '').normalize('NFC');
  if (UNSEEN.test(name)) throw invalid('it has letters that cannot be seen');
  if (!SHAPE.test(name)) throw invalid('it has other characters, or a dot at an end');
  if (Array.from(name).length > 64 || Buffer.byteLength(name) > 200) throw invalid('it is too long');
  if (WINDOWS_DEVICE.test(name) || RESERVED_ENDING.test(name)) throw invalid('it is reserved');
  return name as MailboxName;
}

/** Whether it is a name in its canonical form already. */
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

/** Like `mailboxName`, for a person: names of rooms are refused. */
export function personName(input: unknown): MailboxName {
  const name = mailboxName(input);
  if (isRoom(name)) throw invalid(`names beginning "${ROOM_PREFIX}" are rooms`);
  return name;
}

function invalid(why: string): MailboxError {
  return new MailboxError(
    'INVALID_NAME',
    `This is not a usable name: ${why}. Use 1 to 64 letters, digits, "-" or "_" (dots inside are fine).`,
  );
}
