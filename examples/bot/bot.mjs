// Answers every message to the bot once. The cursor says which messages it has. The key of an answer is made from the
// id of the message, so that an answer that is sent twice arrives once.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

const CHAT = process.env.CHAT ?? 'http://localhost:2012';
const NAME = 'bot';
const KEY = process.env.KEY; // of an invitation link: mailbox-chat invite bot
const CURSOR_FILE = 'cursor.txt';

let cursor = existsSync(CURSOR_FILE) ? readFileSync(CURSOR_FILE, 'utf8') : undefined;
for (;;) {
  try {
    for await (const event of events()) {
      if (event.type === 'message') await answer(event);
      if (event.id) writeFileSync(CURSOR_FILE, (cursor = event.id));
    }
  } catch (error) {
    console.error(error.message);
  }
  await setTimeout(2000);
}

async function* events() {
  const response = await ask(`/status?receiver=${NAME}`, {
    headers: { Accept: 'application/x-ndjson', ...(cursor && { 'Last-Event-ID': cursor }) },
  });
  if (!response.ok) throw new Error(await response.text());

  let rest = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) yield JSON.parse(line);
  }
}

async function answer({ id, data }) {
  const { sender, message } = messageIn(data);
  if (typeof sender !== 'string' || sender === NAME) return;
  if (message === '') return; // it was removed or edited before it came, or has only files
  const response = await ask('/messages', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': `answer-${id}` },
    body: JSON.stringify({ sender: NAME, receiver: sender, message: `You wrote ${message.length} characters.` }),
  });
  if (response.status === 429 || response.status >= 500) throw new Error(await response.text()); // try again
}

function ask(path, { headers, ...request }) {
  return fetch(CHAT + path, { ...request, headers: { ...headers, ...(KEY && { Authorization: `Bearer ${KEY}` }) } });
}

/** Other programs may write any text into a mailbox: it need not be JSON. */
function messageIn(data) {
  try {
    const { sender, message } = Object(JSON.parse(data));
    return { sender, message: String(message) };
  } catch {
    return {};
  }
}
