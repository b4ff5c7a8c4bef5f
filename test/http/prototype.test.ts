import { describe, expect, test } from '@jest/globals';
import { Listener, textOf } from '../support/listener.ts';
import { say, type Stored } from '../support/requests.ts';
import { serveChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';

describe('the pages of the PHP prototype', () => {
  // chat2.html: var messageVO = {sender:'jjeong', receiver:'henry', message:''}
  const messageVO = { sender: 'jjeong', receiver: 'henry' };

  test.each(['hi', '안녕 하세요?', '1 = 1', 'a+b', '"quoted"', '👋'])(
    'send %p by GET from XMLHttpRequest',
    async (message) => {
      const chat = await serveChat();
      const { sender, receiver } = messageVO;

      const query = `sender=${sender}&receiver=${receiver}&message=${encodeURIComponent(message)}`;
      const answer = await fetch(`${chat.url}/messages.html?${query}`);

      expect(answer.status).toBe(200);
      const stored = (await answer.json()) as Stored;
      expect(stored).toMatchObject({ ...messageVO, message, mailbox: 'henry' });
      expect(chat.mailboxText('henry')).toContain(`id: ${stored.id}\n`);
    },
  );

  test('send a message that the page put into the address unescaped', async () => {
    const chat = await serveChat();

    // XMLHttpRequest and fetch both send it as UTF-8 and %20 [url]
    const answer = await fetch(`${chat.url}/messages.html?sender=jjeong&receiver=henry&message=안녕 100%`);

    expect((await answer.json()) as Stored).toMatchObject({ message: '안녕 100%' });
  });

  test('receive what waits in their file and what comes while they listen, through EventSource', async () => {
    const chat = await serveChat();
    await say(chat, 'henry', 'jjeong', 'while you were away');

    // chat2.html: new EventSource('http://localhost/status.html?f=jjeong.txt')
    const page = new Listener(`${chat.url}/status.html?f=jjeong.txt`);
    const waited = await page.textsUpTo('while you were away');
    await fetch(`${chat.url}/messages.html?sender=henry&receiver=jjeong&message=now`);
    const live = await page.textsUpTo('now');

    expect([...waited, ...live]).toEqual(['<ready>', 'while you were away', 'now']);
  });

  test('empty their file by reading it, as before', async () => {
    const chat = await serveChat();
    await fetch(`${chat.url}/messages.html?sender=henry&receiver=jjeong&message=hi`);

    await new Listener(`${chat.url}/status.html?f=jjeong.txt`).textsUpTo('hi');

    await until('the mailbox is empty', () => chat.mailboxText('jjeong') === '');
  });

  test('get what the prototype’s own messages.html wrote, as it wrote it', async () => {
    const chat = await serveChat();
    const data = '{sender:"henry", receiver:"jjeong", message:"안녕}';

    chat.writeForeign('jjeong', `\n\nid: ${Math.floor(Date.now() / 1000)}\n\ndata: ${data}\n\n`);
    const page = new Listener(`${chat.url}/status.html?f=jjeong.txt`);

    const [, message] = await page.nextUpTo(data);
    expect(textOf(message!)).toBe(data);
  });

  test('cannot read or empty any file that is not a mailbox', async () => {
    const chat = await serveChat();

    const answer = await fetch(`${chat.url}/status.html?f=${encodeURIComponent('../../../etc/passwd')}`);

    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: 'INVALID_NAME' });
  });
});
