import { z } from 'zod';
import type { ChangeType, MailEvent } from './mailbox-store.ts';
import { fieldsOf, MAX_ID } from './message-data.ts';

/** A flag, a keycap, or pictographs that joiners make one (https://www.unicode.org/reports/tr51/#EBNF_and_Regex). */
const PICTOGRAPH = String.raw`\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\ufe0f|[\u{e0020}-\u{e007e}]+\u{e007f})?`;
const EMOJI = new RegExp(
  String.raw`^(?:\p{Regional_Indicator}{2}|[\d#*]\ufe0f?\u20e3|${PICTOGRAPH}(?:\u200d${PICTOGRAPH})*)$`,
  'u',
);
const MAX_EMOJI = 40;

const fields = {
  sender: z.string(),
  receiver: z.string().optional(),
  of: z.string().min(1).max(MAX_ID),
  time: z.string().optional(),
  key: z.string().optional(),
};
const SHAPES = {
  edit: z.object({ ...fields, message: z.string() }),
  remove: z.object(fields),
  react: z.object({ ...fields, emoji: z.string().refine((emoji) => emoji === '' || isEmoji(emoji)) }),
};

export const CHANGE_TYPES = Object.keys(SHAPES) as ChangeType[];

/** A change as stored in the data of its event. Another program may leave out the receiver, time and key. */
export type StoredChange = z.infer<(typeof SHAPES)[ChangeType]> & {
  readonly message?: string;
  readonly emoji?: string;
};

/** The change in an event. Undefined if it is a message or foreign text. */
export function changeOf({ type = '', data }: Pick<MailEvent, 'type' | 'data'>): StoredChange | undefined {
  return Object.hasOwn(SHAPES, type) ? SHAPES[type as ChangeType].safeParse(fieldsOf(data)).data : undefined;
}

/** Whether it is one emoji. */
export function isEmoji(text: string): boolean {
  return text.length <= MAX_EMOJI && EMOJI.test(text);
}
