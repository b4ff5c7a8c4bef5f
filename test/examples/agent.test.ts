import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Invitations } from '../../src/access/invitations.ts';
import { personName } from '../../src/words/mailbox-name.ts';
import { document } from '../docs/kit/documents.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { cuttingProxy } from '../support/cutting-proxy.ts';
import { listen } from '../support/listener.ts';
import { history, say } from '../support/requests.ts';
import { serveChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';

const README = 'examples/agent/README.md';

interface Told {
  readonly from: string;
  readonly message: string;
}

/** What the tools answer, all in one. */
interface Answer {
  readonly error?: string;
  readonly messages: readonly Told[];
  readonly after: string;
  readonly before: string | null;
  readonly more?: string;
}

/** Starts the server as a client does that has the settings of the README. */
async function connect(env: Readonly<Record<string, string>>) {
  const [settings] = document(README).blocks.filter(({ language }) => language === 'json');
  const { mcpServers } = JSON.parse(settings!.code) as {
    mcpServers: { chat: { command: string; args: string[]; env: Record<string, string> } };
  };
  const { command, args, env: given } = mcpServers.chat;
  const client = new Client({ name: 'test', version: '1' });
  const here = args.map((arg) => arg.replace('/path/to/', `${PACKAGE_DIR}/`));
  await client.connect(new StdioClientTransport({ command, args: here, env: { ...given, ...env } }));
  afterThisTest(() => client.close());
  const call = async (name: string, fields: object): Promise<Answer> => {
    const result = await client.callTool({ name, arguments: { ...fields } });
    const [{ text }] = result['content'] as [{ text: string }];
    return (result['isError'] ? { error: text } : JSON.parse(text)) as Answer;
  };
  return {
    send: (to: string, message: string) => call('send', { to, message }),
    wait: (after?: string, seconds = 0) => call('wait_for_mail', { after, seconds }),
    history: (limit: number, before?: string) => call('history', { with: 'henry', limit, before }),
    close: () => client.close(),
  };
}

function textsOf({ messages }: Answer): string[] {
  return messages.map(({ from, message }) => `${from}: ${message}`);
}

describe(README, () => {
  test('lets an agent ask a person, and get the answer', async () => {
    const chat = await serveChat();
    const agent = await connect({ CHAT: chat.url });
    const henry = await listen(`${chat.url}/status?receiver=henry`);

    const waiting = agent.wait(undefined, 20);
    await agent.send('henry', 'May I "deploy"?\n안녕');
    await henry.textsUpTo('May I "deploy"?\n안녕');
    await say(chat, 'henry', 'agent', 'Yes.');

    expect(textsOf(await waiting)).toEqual(['henry: Yes.']);
    const newest = await agent.history(1);
    expect(textsOf(newest)).toEqual(['henry: Yes.']);
    expect(textsOf(await agent.history(1, newest.before!))).toEqual(['agent: May I "deploy"?\n안녕']);
  });

  test('tells mail after the id that the agent gives, even in a new process, and else what was not confirmed', async () => {
    const chat = await serveChat();
    const agent = await connect({ CHAT: chat.url });
    const { after: none } = await agent.wait();
    await say(chat, 'henry', 'agent', 'one');
    chat.writeForeign('agent', 'data: from a file\n\n');
    chat.writeForeign('agent', 'event: react\ndata: {"sender":"henry","of":"0-0.1","emoji":"👍"}\n\n');

    const first = await agent.wait(none);
    const again = await agent.wait();
    await agent.close();
    await say(chat, 'henry', 'agent', 'two');
    const restarted = await connect({ CHAT: chat.url });
    const second = await restarted.wait(first.after);
    const unconfirmed = await restarted.wait();

    expect(textsOf(first)).toEqual(['henry: one', 'a file: from a file']);
    expect(textsOf(again)).toEqual(textsOf(first));
    expect(textsOf(second)).toEqual(['henry: two']);
    expect(textsOf(unconfirmed)).toEqual(['henry: two']);
    expect(await restarted.wait(second.after)).toEqual({ messages: [], after: second.after });
    await until('the confirmation', async () => {
      const { messages } = await history(chat, 'henry', 'agent');
      return messages.every(({ state }) => state === 'delivered');
    });
  });

  test('tells the new text of a message that was edited', async () => {
    const chat = await serveChat();
    const agent = await connect({ CHAT: chat.url });
    const { id } = await say(chat, 'henry', 'agent', 'At five.');
    const edit = { sender: 'henry', receiver: 'agent', event: 'edit', of: id, message: 'At six.' };
    await fetch(`${chat.url}/messages`, { method: 'POST', body: new URLSearchParams(edit) });

    const { messages } = await agent.wait();

    expect(messages).toEqual([
      expect.objectContaining({ from: 'henry', message: 'At six.', corrects: expect.anything() }),
    ]);
  });

  test('tells much mail in parts, and cuts a long text', async () => {
    const chat = await serveChat();
    const agent = await connect({ CHAT: chat.url });
    const texts = Array.from({ length: 30 }, (_, i) => `number ${i}`);
    for (const text of texts) await say(chat, 'henry', 'agent', text);
    chat.writeForeign('agent', `data: ${'x'.repeat(100_000)}\n\n`);

    const first = await agent.wait();
    const rest = await agent.wait(first.after);

    expect(first.more).toBeDefined();
    expect(rest.more).toBeUndefined();
    const told = [...first.messages, ...rest.messages].map(({ message }) => message);
    expect(told.slice(0, -1)).toEqual(texts);
    expect(told.at(-1)).toMatch(/^x{4000}… \(100000 characters\)$/);
  });

  test('sends a message once, even if the answer of the chat is lost', async () => {
    const chat = await serveChat();
    const proxy = await cuttingProxy(chat.url, 20);
    const agent = await connect({ CHAT: proxy.url });

    const { error } = await agent.send('henry', 'hi');

    expect([error, proxy.cutsLeft()]).toEqual([undefined, 0]);
    expect((await history(chat, 'henry', 'agent')).messages).toHaveLength(1);
  });

  test('gets in with a link of its own, and says why it is refused', async () => {
    const chat = await serveChat({ access: 'links' });
    const invitations = new Invitations(chat.dir);
    const agent = await connect({ CHAT: chat.url, KEY: invitations.invite(personName('agent')) });

    const sent = await agent.send('henry', 'hi');
    const refusals = [await agent.wait('9-9'), await agent.send('../henry', 'hi')];
    invitations.revoke(personName('agent'));
    refusals.push(await agent.wait());

    expect(sent.error).toBeUndefined();
    expect(refusals.map(({ error }) => /[A-Z]+_?[A-Z]+/.exec(error ?? '')?.[0])).toEqual([
      'INVALID_CURSOR',
      'INVALID_NAME',
      'UNAUTHORIZED',
    ]);
  });

  test('asks for the versions that it is tested with', () => {
    const { dependencies, devDependencies } = manifest('package.json');

    const needed = manifest('examples/agent/package.json').dependencies!;

    expect(Object.keys(needed)).toHaveLength(2);
    expect({ ...dependencies, ...devDependencies }).toMatchObject(needed);
  });
});

function manifest(path: string): { readonly [kind in 'dependencies' | 'devDependencies']?: Record<string, string> } {
  return JSON.parse(readFileSync(join(PACKAGE_DIR, path), 'utf8')) as ReturnType<typeof manifest>;
}
