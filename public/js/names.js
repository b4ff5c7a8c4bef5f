/** Letters, digits, - and _, inner dots; the same rule the server keeps, so that a bad name is told while typing. */
const NAME = /^[\p{L}\p{N}_-](?:[\p{L}\p{M}\p{N}._-]*[\p{L}\p{M}\p{N}_-])?$/u;

/** The name as its mailbox spells it, or undefined when it is none. @param {string | null | undefined} input @param {number} [longest] */
export function cleanName(input, longest = 64) {
  const name = (input ?? '').trim().normalize('NFC').toLowerCase().normalize('NFC');
  if (!NAME.test(name) || Array.from(name).length > longest || name.startsWith('room.') || /\.(txt|lock)$/.test(name))
    return undefined;
  return name;
}
