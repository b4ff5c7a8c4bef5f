import { beforeEach, describe, expect } from '@jest/globals';
import { testWithStrace } from '../faults/kit/fault-test.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { Listener } from '../support/listener.ts';
import { history, say } from '../support/requests.ts';
import { until } from '../support/until.ts';
import { startChat, type Chat } from './kit/chat-command.ts';
import { numbered } from './kit/mail.ts';

let dir: string;
beforeEach(() => {
  dir = temporaryDirectory();
});

/** Each of its syncs takes 200 ms: time for others to see the state between two of them. */
const SLOWLY = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync,fsync'];
const DELAY = ['-e', 'inject=fdatasync,fsync:delay_enter=200000'];

describe('each answer of /history has all that was accepted before', () => {
  testWithStrace('while a process that was there first brings the mail to a page, and is killed', async () => {
    const slow = await startChat({ dir, through: [...SLOWLY, ...DELAY] });
    const watched = await startChat({ dir });
    expect(await incompleteAnswers(watched, slow)).toEqual([]);
  });

  testWithStrace('while a process that came later brings the mail to a page, and is killed', async () => {
    const watched = await startChat({ dir });
    const slow = await startChat({ dir, through: [...SLOWLY, ...DELAY] });
    expect(await incompleteAnswers(watched, slow)).toEqual([]);
  });
});

/** What `watched` answers while somebody listens at `slow`, and after `slow` has died: how many of 30 messages, if not all. */
async function incompleteAnswers(watched: Chat, slow: Chat): Promise<number[]> {
  const texts = numbered('message', 30);
  await Promise.all(texts.map((text) => say(watched, 'jjeong', 'henry', text)));
  const incomplete: number[] = [];
  const reload = async (): Promise<void> => {
    const { messages } = await history(watched, 'jjeong', 'henry', { limit: '100' }); // the sender's page
    if (messages.length < texts.length) incomplete.push(messages.length);
  };

  const page = new Listener(`${slow.url}/status?receiver=henry`);
  await until('all to have come', async () => {
    await reload();
    return heard(page).includes('message 29') || page.heard.length > 25;
  });
  await slow.end('SIGKILL');
  page.close();
  for (let i = 0; i < 20; i += 1) await reload();
  return incomplete;
}

function heard({ heard: events }: { readonly heard: readonly { readonly data: string }[] }): string[] {
  return events.map(({ data }) =>
    data.startsWith('{') ? ((JSON.parse(data) as { message?: string }).message ?? '') : data,
  );
}
