// Appends a message to a mailbox: node write.mjs mailboxes/henry.txt 'hello'
// Without a text, it appends each line of its input, and prints the line once it is in the file.
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [, , file, text] = process.argv;
if (text !== undefined) append(text);
else {
  for await (const line of createInterface({ input: process.stdin })) {
    append(line);
    console.log(line);
  }
}

function append(text) {
  const lines = text.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  if (Buffer.byteLength(lines.join('')) > 1024 * 1024) throw new Error('A message may be 1 MiB long.');
  appendFileSync(file, `\n\n${lines.join('')}\n`);
}
