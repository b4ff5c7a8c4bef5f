// Runs a reader of mailboxes on all vectors of test/format: node check-reader.mjs -- python3 read.py
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { vectors } from './vectors.mjs';

const WITHIN_MS = 10_000;

const [command, ...args] = process.argv.slice(process.argv[2] === '--' ? 3 : 2);
if (command === undefined) {
  console.error(
    'Usage: node check-reader.mjs -- <command>\n' +
      'The command gets the name of the mailbox and the id that the file begins after as two more arguments, and the bytes\n' +
      'of the file on its standard input. It prints a line of JSON for each event: {"id": …, "type": …, "data": …}. It may\n' +
      'leave out the ids of all events.',
  );
  process.exit(2);
}

const all = vectors();
const waiting = [...all];
let failed = 0;
await Promise.all(Array.from({ length: availableParallelism() }, checkOn));
console.log(`${all.length - failed} of ${all.length} vectors passed`);
process.exitCode = failed > 0 ? 1 : 0;

async function checkOn() {
  for (let vector = waiting.shift(); vector; vector = waiting.shift()) {
    const why = await whatIsWrong(vector).catch((error) => error.message);
    if (why === undefined) continue;
    failed += 1;
    console.log(`FAILED ${vector.name}\n  ${why}`);
  }
}

async function whatIsWrong({ mailbox, start, bytes, events }) {
  const lines = (await outputOf([...args, mailbox, start], bytes)).split('\n').filter(Boolean);
  const found = lines.map(eventOf);
  const hasIds = found.some(({ id }) => id !== undefined);
  const [wanted, got] = [events, found].map((list) => JSON.stringify(list.map((event) => compared(event, hasIds))));
  return wanted === got ? undefined : `expected ${shorten(wanted)}\n  got      ${shorten(got)}`;
}

function outputOf(args, input) {
  return new Promise((resolve, reject) => {
    const reader = spawn(command, args, { timeout: WITHIN_MS });
    const [output, errors] = [[], []];
    reader.stdout.on('data', (bytes) => output.push(bytes));
    reader.stderr.on('data', (bytes) => errors.push(bytes));
    reader.on('error', (error) => {
      console.error(`The reader cannot be run: ${error.message}`);
      process.exit(2);
    });
    reader.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(output).toString());
      else reject(new Error(`ended with ${signal ?? code}: ${shorten(Buffer.concat(errors).toString())}`));
    });
    reader.stdin.on('error', () => undefined); // it need not read what stands behind an end marker
    reader.stdin.end(input);
  });
}

function eventOf(line) {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`printed a line that is no JSON: ${shorten(line)}`);
  }
}

/** How many U+FFFD stand for bytes that are not UTF-8 is left to the reader. */
function compared({ id, type, data }, hasIds) {
  return { ...(hasIds && { id }), type, data: data?.replace(/\ufffd+/g, '\ufffd') };
}

function shorten(text) {
  return text.length > 300 ? `${text.slice(0, 200)}… (${text.length} characters)` : text;
}
