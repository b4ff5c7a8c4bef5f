import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Follower } from '../faults/kit/follower.ts';
import { Ledger, isClean, type Verdict } from '../faults/kit/ledger.ts';
import { Sender } from '../faults/kit/sender.ts';
import { testWithStrace } from '../faults/kit/fault-test.ts';
import { pause } from '../faults/kit/wait.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { Listener, listen } from '../support/listener.ts';
import { history, say } from '../support/requests.ts';
import { until } from '../support/until.ts';
import { startChat, type Chat } from './kit/chat-command.ts';
import { everything, numbered } from './kit/mail.ts';

/** How long nothing may be accepted when the process that owns the directory has died; on an idle machine it is 0.1 s. */
const SILENCE_MS = 1000;

/** Several people who send to alice, one who follows, and what came of it. */
class Crowd {
  readonly ledger = new Ledger();
  readonly #senders: Sender[];
  readonly #follower: Follower;
  readonly #over = new AbortController();
  readonly #sending: Promise<void>[];
  #acceptedMs = performance.now();
  /** The longest time in which nothing was accepted, in ms, since it was last set to 0. */
  silenceMs = 0;

  constructor(port: () => number, timeoutMs = 5000) {
    const options = { receiver: 'alice', ledger: this.ledger, port, timeoutMs };
    this.#senders = ['bob', 'carol', 'dave', 'erin'].map((name) => new Sender({ name, ...options }));
    this.#follower = new Follower({ mailbox: 'alice', port });
    this.#sending = this.#senders.map((sender) => this.#sendOn(sender));
  }

  get refusals(): string[] {
    return this.#senders.flatMap(({ refusals }) => [...refusals.keys()]);
  }

  /** Resolves when so many more have been accepted. */
  async accepts(count: number): Promise<void> {
    const enough = this.ledger.accepted + count;
    await until(`${count} more to be accepted`, () => this.ledger.accepted >= enough);
  }

  /** Ends the sending; what the follower was shown, and what a newcomer is shown, judged. */
  async verdicts(port: number): Promise<Verdict[]> {
    this.#over.abort();
    await Promise.all(this.#sending);
    const newcomer = new Follower({ mailbox: 'alice', port: () => port });
    const readers = [this.#follower, newcomer];
    await until('all to be shown', () => readers.every(({ texts }) => this.ledger.isIn(texts))).catch(() => undefined);
    await this.close();
    await newcomer.close();
    const complaints = readers.flatMap((reader) => reader.complaints);
    if (complaints.length > 0) throw new Error(complaints.join('; '));
    return readers.map(({ shown }) => this.ledger.judge(shown));
  }

  async close(): Promise<void> {
    this.#over.abort();
    await this.#follower.close();
    for (const sender of this.#senders) sender.close();
  }

  async #sendOn(sender: Sender): Promise<void> {
    while (!this.#over.signal.aborted) {
      await sender.sendOne();
      const nowMs = performance.now();
      this.silenceMs = Math.max(this.silenceMs, nowMs - this.#acceptedMs);
      this.#acceptedMs = nowMs;
    }
  }
}

let dir: string;
let crowd: Crowd | undefined;
beforeEach(() => {
  dir = temporaryDirectory();
});
afterEach(() => crowd?.close());

describe('several processes on one directory', () => {
  test('lose nothing and are silent for less than a second when the first of them is killed, and then the next', async () => {
    const [first, second, third] = [await startChat({ dir }), await startChat({ dir }), await startChat({ dir })];
    crowd = new Crowd(() => third.port);
    await crowd.accepts(50);
    crowd.silenceMs = 0;

    for (const victim of [first, second]) {
      await victim.end('SIGKILL');
      await crowd.accepts(50);
    }

    expect(crowd.silenceMs).toBeLessThan(SILENCE_MS);
    expect((await crowd.verdicts(third.port)).every(isClean)).toBe(true);
  });

  test('answer when a stopped one goes on, and what was sent again meanwhile is there once', async () => {
    const [first, second] = [await startChat({ dir }), await startChat({ dir })];
    crowd = new Crowd(() => second.port, 1000);
    await crowd.accepts(50);

    process.kill(first.pid, 'SIGSTOP');
    await pause(3000); // longer than a lock lives: that is the fault
    process.kill(first.pid, 'SIGCONT');
    await crowd.accepts(50);

    expect((await crowd.verdicts(second.port)).every(isClean)).toBe(true);
    expect(await sameEverywhere([first, second])).toBe(true);
  });

  test('hold up no request for a second when one after the other is replaced', async () => {
    let current = await startChat({ dir });
    crowd = new Crowd(() => current.port);
    await crowd.accepts(50);
    crowd.silenceMs = 0;

    for (let round = 0; round < 3; round += 1) {
      const old = current;
      current = await startChat({ dir });
      await crowd.accepts(20);
      expect((await old.end()).code).toBe(0);
      await crowd.accepts(20);
    }

    expect(crowd.silenceMs).toBeLessThan(SILENCE_MS);
    expect((await crowd.verdicts(current.port)).every(isClean)).toBe(true);
  });

  test('work on within 2 s when the socket between them is removed', async () => {
    const both = [await startChat({ dir }), await startChat({ dir })];
    const listeners = await Promise.all(both.map(({ url }) => listen(`${url}/status?receiver=henry`)));
    await say(both[0]!, 'jjeong', 'henry', 'before');

    rmSync(join(dir, '.socket'), { force: true });

    for (const [i, chat] of both.entries()) {
      const beganMs = performance.now();
      await until('mail to be accepted', () =>
        say(chat, 'jjeong', 'henry', `after ${i}`, `${i}`).catch(() => undefined),
      );
      expect(performance.now() - beganMs).toBeLessThan(2000);
    }
    for (const listener of listeners) {
      await until('all to be heard', () => ['after 0', 'after 1'].every((text) => heard(listener).includes(text)));
    }
  });
});

/** Its syncs take 200 ms each: time for others to see what stands between two of them. */
const SLOWLY = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync,fsync'];
const DELAY = ['-e', 'inject=fdatasync,fsync:delay_enter=200000'];

describe('every answer of /history has all that was accepted', () => {
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

/** What `watched` answers while somebody listens at `slow`, and when that has died: how many of 30 messages, where not all. */
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

async function sameEverywhere(chats: readonly Chat[]): Promise<boolean> {
  const [one, ...others] = await Promise.all(chats.map((chat) => everything(chat, 'alice')));
  return others.every((texts) => JSON.stringify(texts) === JSON.stringify(one));
}
