/**
 * The name that a person types, and the mailbox name made from it:
 *
 *     Kim Min → kim-min      홍 길동 → 홍-길동      O'Neil → oneil      con → con_
 */
import { MailboxError } from './mailbox-error.ts';
import { personName, type MailboxName } from './mailbox-name.ts';

interface NamedPerson {
  readonly name: MailboxName;
  /** As it was typed, without invisible characters. */
  readonly shown: string;
}

/** A path, a room or a hidden file: these are not meant as the name of a person. */
const NO_PERSON = /[/\\:*?"<>|]|^\.|^room\./i;
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Cs}]/gu;
const LONGEST = 64;
const APOSTROPHE = /['’‘ʼ`´＇]/gu;
const OTHERS = /[^\p{L}\p{M}\p{N}._-]+/gu;
const EDGES = /^[\p{M}.-]+|[.-]+$/gu;

/** The person that a typed name stands for. INVALID_NAME if no mailbox name can be made from it. */
export function personCalled(typed: unknown): NamedPerson {
  if (typeof typed !== 'string' || typed.length > 256) return { name: personName(typed), shown: '' };
  const shown = typed.normalize('NFC').replaceAll(/\s+/gu, ' ').replaceAll(UNSEEN, '').trim();
  return { name: NO_PERSON.test(shown) ? personName(shown) : nearestName(shown), shown };
}

/** Whether the person may be shown by this name: only its spelling may differ, so that nobody passes for somebody else. */
export function isNameOf(person: MailboxName, shown: string): boolean {
  try {
    const called = personCalled(shown);
    return called.name === person && called.shown === shown && Array.from(shown).length <= LONGEST;
  } catch {
    return false; // nobody's
  }
}

/** The text itself, if it is a valid name. Otherwise without the characters that are not allowed, and with `_` if it is reserved. */
function nearestName(shown: string): MailboxName {
  const plain = shown.replaceAll(APOSTROPHE, '').replaceAll(OTHERS, '-').replaceAll(EDGES, '');
  const undotted = plain.replaceAll('.', '-');
  return firstName(shown, plain, undotted, `${undotted}_`);
}

function firstName(typed: string, ...others: string[]): MailboxName {
  try {
    return personName(typed);
  } catch (error) {
    const [next, ...rest] = others;
    if (next === undefined || next === '' || !(error instanceof MailboxError)) throw error;
    return firstName(next, ...rest);
  }
}
