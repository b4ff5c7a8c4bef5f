// Prints the mail in a mailbox: node read.mjs henry 0-0 < mailboxes/henry.txt (0-0: the id that the file begins after)
import { readFileSync } from 'node:fs';

const BLANK_LINES = /(?:^|(?<=\n)|(?<=\r)(?!\n))[\r\n]+/;
const [OWN, N] = [String.raw`(?:0|[1-9]\d{0,14})-(?:0|[1-9]\d{0,9})`, String.raw`(?:\.[1-9]\d{0,14})?`];
const OURS = String.raw`id: (${OWN})\n(?:event: [\w.-]{1,64}\n)?data: \{"sender":"[^"\\\n]*","receiver":"([^"\\\n]*)(?=")(?:.*[^\\\n])?(?:\\\\)*"\}`;
const LATE = String.raw`: late ${OWN}${N} \d{1,15}-\d{1,15}\nid: (${OWN})\n[^]*\n: whole`;
const FENCED = new RegExp(`^: after (${OWN})\n(?:(?:${OURS}|: end (${OWN}${N})(?: \\d{1,15})?|${LATE})\n$)?`);
const TYPE = /^(?!(?:message|open|error|gap|presence|typing|sent|delivered|read|bye|ready|ping)$)[\w.-]{1,64}$/;
const FIELD = (name) => new RegExp(`(?:^(?:\xef\xbb\xbf)?|\n)\0*${name}(?:: ?(.*)|(?=\n))`, 'g');
const key = (id) => id.replace(/\d+/g, (digits) => digits.padStart(15, '0')); // such keys sort as their ids do

export function* readMail(bytes, mailbox, start = '0-0', first = start.split('.')[0]) {
  let [own, last, wrong] = [first, start, ''];
  for (const block of bytes.toString('latin1').split(BLANK_LINES).slice(0, -1)) {
    const text = block.replace(/\r\n?/g, '\n');
    const [, fence, message, receiver, end, late, id = message ?? end ?? late] = FENCED.exec(text) ?? [];
    const valuesOf = (name) => Array.from(text.matchAll(FIELD(name)), ([, value = '']) => value);
    const [data, type] = [valuesOf('data'), valuesOf('event').at(-1) ?? ''];
    const isLong = block.length > (late ? 2 : 1) * 2 ** 20;
    const isVoid = isLong || /(^|\n): torn\n$/.test(text) || (fence && !id) || !(end || data.length > 0);
    const isAbove = id && (key(id) > key(last) || (end && id === last));
    const isNext = isAbove && fence === own && fence !== wrong && parseInt(id) <= Math.max(1e13, parseInt(own) + 1);
    const isCopy = message && (key(fence) < key(first) || receiver !== Buffer.from(mailbox).toString('latin1'));
    wrong = isVoid || !fence || isNext || isCopy ? '' : id;
    if (isVoid || wrong) continue;
    if (end) return;
    last = isNext ? (own = id) : `${own}.${Number(last.split('.')[1] ?? 0) + 1}`;
    yield { id: last, ...(TYPE.test(type) && { type }), data: Buffer.from(data.join('\n'), 'latin1').toString() };
  }
}

if (process.argv[1] === import.meta.filename)
  for (const event of readMail(readFileSync(0), ...process.argv.slice(2))) console.log(JSON.stringify(event));
