// An MCP server that gives an agent an inbox: it writes to people and waits for their answers. It keeps no state. The
// agent says up to which id it has its mail, so that none is lost or told twice, even if this process is restarted.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const { CHAT = 'http://localhost:2012', NAME = 'agent', KEY } = process.env;
/** Clients give up on a tool after a minute. */
const MAX_WAIT_S = 50;
const MAX_MESSAGES = 20;
/** Other programs can write texts of up to 1 MiB into a mailbox. */
const MAX_TEXT = 4000;
const TRIES = 5;

const Mail = z.object({
  id: z.string(),
  sender: z.string().nullable(),
  message: z.string(),
  time: z.string(),
  of: z.string().optional(), // the message that an edit corrects
});
const Event = z.object({ id: z.string(), type: z.string(), data: z.string() });
const Waiting = z.object({ events: z.array(Event), cursor: z.string(), gap: z.boolean() });
const History = z.object({ messages: z.array(Mail), before: z.string().nullable() });

const server = new McpServer({ name: 'mailbox-chat', version: '1.0.0' });

server.registerTool(
  'send',
  {
    description: `Sends a chat message to a person. You are ${NAME}.`,
    inputSchema: { to: z.string(), message: z.string().min(1) },
  },
  async ({ to, message }, { signal }) => {
    // Sent again under the same key, it arrives once.
    const body = JSON.stringify({ sender: NAME, receiver: to, message, key: randomUUID() });
    const { id } = Mail.parse(await ask(() => '/messages', { signal, method: 'POST', body }));
    return result({ sent: id });
  },
);

server.registerTool(
  'wait_for_mail',
  {
    description:
      'Waits for chat messages to you. Give the "after" of the last result, which confirms that you have what it told. ' +
      'Leave it out if you know none: you get everything that was not confirmed. If no mail has come, call it again.',
    inputSchema: {
      after: z.string().optional(),
      seconds: z.number().int().min(0).max(MAX_WAIT_S).default(MAX_WAIT_S),
    },
  },
  async ({ after, seconds }, { signal }) => {
    const endMs = Date.now() + seconds * 1000;
    const path = () => {
      const wait = Math.max(0, Math.round((endMs - Date.now()) / 1000));
      return `/status?${query({ receiver: NAME, lastEventId: after, wait, as: 'history' })}`;
    };
    const { events, cursor, gap } = Waiting.parse(await ask(path, { signal }));
    const told = events.slice(0, MAX_MESSAGES);
    const texts = told.filter(({ type }) => type === 'message' || type === 'edit'); // the others are removals and reactions
    // Without a text, a message was removed or edited before it came, or has only files.
    const mail = texts.map(({ data }) => Mail.parse(JSON.parse(data))).filter(({ message }) => message !== '');
    return result({
      messages: mail.map(shown),
      after: told.at(-1)?.id ?? cursor,
      ...(told.length < events.length && { more: 'Call again: more has come.' }),
      ...(gap && { gap: 'Mail before this is no longer kept.' }),
    });
  },
);

server.registerTool(
  'history',
  {
    description:
      'The newest messages between you and a person, oldest first. For older ones, give "before" of the result.',
    inputSchema: {
      with: z.string(),
      limit: z.number().int().min(1).max(MAX_MESSAGES).default(MAX_MESSAGES),
      before: z.string().optional(),
    },
  },
  async ({ with: other, limit, before }, { signal }) => {
    const path = `/history?${query({ receiver: NAME, sender: other, limit, before })}`;
    const page = History.parse(await ask(() => path, { signal }));
    return result({ messages: page.messages.map(shown), before: page.before });
  },
);

await server.connect(new StdioServerTransport());

/** Asks the chat, and again if it is busy or cannot be reached. Throws what it refuses, which the agent is told. */
async function ask(path, request) {
  const headers = { Accept: 'application/json', 'Content-Type': 'application/json' };
  if (KEY) headers.Authorization = `Bearer ${KEY}`;
  for (let tries = 1; ; tries += 1) {
    const { status, text } = await fetch(CHAT + path(), { ...request, headers })
      .then(async (response) => ({ status: response.status, text: await response.text() }))
      .catch((error) => ({
        status: 503,
        text: `The chat cannot be reached: ${error.cause?.message ?? error.message}`,
      }));
    if (status < 300) return JSON.parse(text);
    if (status < 429 || tries === TRIES || request.signal.aborted) throw new Error(text);
    await pause(1000);
  }
}

function query(fields) {
  return new URLSearchParams(Object.entries(fields).filter(([, value]) => value !== undefined)).toString();
}

/** Without a sender, it is text that another program put into the mailbox. */
function shown({ sender, message, time, of }) {
  const text = message.length > MAX_TEXT ? `${message.slice(0, MAX_TEXT)}… (${message.length} characters)` : message;
  return { from: sender ?? 'a file', message: text, time, ...(of && { corrects: 'an earlier message' }) };
}

function result(value) {
  return { content: [{ type: 'text', text: JSON.stringify(value) }] };
}
