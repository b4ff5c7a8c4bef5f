/** A second, simplest possible version of the reading rule: the whole piece at once, line by line, however slow. */
import { isForeignType } from '../../src/words/event-type.ts';

export interface BookEvent {
  readonly id: string;
  readonly data: string;
  readonly type?: string;
}

export interface BookReading {
  readonly events: BookEvent[];
  readonly own: string;
  readonly last: string;
  readonly end?: string;
}

type Parts = [ms: number, seq: number, n: number];

const MEBI = 1024 * 1024;
const OWN = String.raw`(?:0|[1-9]\d{0,14})-(?:0|[1-9]\d{0,9})`;
const FENCE = new RegExp(`^: after (${OWN})$`);
const MESSAGE = new RegExp(String.raw`^: after ${OWN}\nid: (${OWN})\n(?:event: ([\w.-]{1,64})\n)?data: (.*)$`, 'su');
const END = new RegExp(String.raw`^: after ${OWN}\n: end (${OWN}(?:\.[1-9]\d{0,14})?)(?: \d{1,15})?$`);
const LATE = new RegExp(
  String.raw`^: after ${OWN}\n: late ${OWN}(?:\.[1-9]\d{0,14})? \d{1,15}-\d{1,15}\nid: (${OWN})\n(.*)\n: whole$`,
  'su',
);

export function readByTheBook(bytes: Buffer, start: string, mailbox: string): BookReading {
  const startOwn = start.split('.')[0]!;
  let own = startOwn;
  let last = start;
  let voided: string | undefined;
  const events: BookEvent[] = [];
  const count = (event: Omit<BookEvent, 'id'>, id: string): void => void events.push({ id, ...event });
  for (const lines of blocksOf(bytes)) {
    const before = voided;
    voided = undefined;
    const length = lines.reduce((sum, { size }) => sum + size, 0);
    const texts = lines.map(({ text }) => Buffer.from(text, 'latin1').toString('utf8'));
    const block = texts.join('\n');
    if (length > 2 * MEBI || texts.at(-1) === ': torn') continue;

    const after = FENCE.exec(texts[0]!)?.[1];
    if (after === undefined) {
      const fields = fieldsOf(texts);
      if (fields && length <= MEBI) count(fields, (last = nextForeign(last)));
      continue;
    }
    const [message, end, late] = [MESSAGE, END, LATE].map((form) => form.exec(block));
    const [, , typed, data = ''] = message ?? [];
    const isMessage = texts.length === (typed === undefined ? 3 : 4) && receiverOf(data) !== undefined;
    if (message && (!isMessage || length > MEBI)) continue;
    const said = message && { data, ...(typed !== undefined && isForeignType(typed) && { type: typed }) };
    const lateFields = late && fieldsOf(['', ...late[2]!.split('\n')]);
    const id = (message ?? end ?? (lateFields ? late : null))?.[1];
    if (id === undefined || (end && length > MEBI)) continue;
    const isNew = end ? compare(id, last) >= 0 : compare(id, last) > 0;
    const isInReach = parts(id)[0] <= 1e13 || parts(id)[0] <= parts(own)[0] + 1;
    if (after === own && after !== before && isNew && isInReach) {
      if (end) return { events, own, last, end: id };
      own = last = id;
      count(said ?? lateFields!, id);
    } else if (said && (compare(after, startOwn) < 0 || receiverOf(data) !== mailbox)) {
      count(said, (last = nextForeign(last)));
    } else {
      voided = id;
    }
  }
  return { events, own, last };
}

/** Only complete blocks: one without a blank line may still grow. */
function blocksOf(bytes: Buffer): { text: string; size: number }[][] {
  const blocks: { text: string; size: number }[][] = [];
  let block: { text: string; size: number }[] = [];
  for (const [whole, text, end] of bytes.toString('latin1').matchAll(/([^\r\n]*)(\r\n|\r|\n|$)/g)) {
    if (end === '') break;
    if (text !== '') block.push({ text: text!, size: whole.length });
    else if (block.length > 0) blocks.push(block.splice(0));
  }
  return blocks;
}

function fieldsOf(lines: readonly string[]): { data: string; type?: string } | undefined {
  const [first = '', ...others] = lines;
  const fields = [first.replace(/^\ufeff/, ''), ...others].map((line) => {
    const [, name = '', , value = ''] = /^\0*([^:]*)(: ?)?(.*)$/su.exec(line)!;
    return [name, value] as const;
  });
  const data = fields.filter(([name]) => name === 'data').map(([, value]) => value);
  const type = fields.findLast(([name]) => name === 'event')?.[1];
  if (data.length === 0) return undefined;
  return type !== undefined && isForeignType(type) ? { data: data.join('\n'), type } : { data: data.join('\n') };
}

/** Whether data is complete: it begins with sender and receiver, and ends with a quote that is not escaped and a brace. */
function receiverOf(data: string): string | undefined {
  const [, receiver] = /^\{"sender":"[^"\\]*","receiver":"([^"\\]*)"/.exec(data) ?? [];
  const backslashes = /(\\*)"\}$/.exec(data)?.[1];
  return backslashes !== undefined && backslashes.length % 2 === 0 ? receiver : undefined;
}

function parts(id: string): Parts {
  const [ms, seq, n] = id.split(/[-.]/).map(Number);
  return [ms!, seq!, n ?? 0];
}

function compare(a: string, b: string): number {
  const [first, second] = [parts(a), parts(b)];
  return first[0] - second[0] || first[1] - second[1] || first[2] - second[2];
}

function nextForeign(last: string): string {
  const [ms, seq, n] = parts(last);
  return `${ms}-${seq}.${n + 1}`;
}
