import { expect, test } from '@jest/globals';
import { Senders } from '../../src/files/senders.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';

const mina = mailboxName('mina');

function sendersOf(answers: boolean[]): { senders: Senders; asked: string[] } {
  const asked: string[] = [];
  const senders = new Senders((name) => {
    asked.push(name);
    return Promise.resolve(answers.shift() ?? true);
  });
  return { senders, asked };
}

test('the mailbox of a sender is read once, however many messages the sender sends', async () => {
  const { senders, asked } = sendersOf([true]);

  await Promise.all([senders.riseAbove(mina), senders.riseAbove(mina)]);
  await senders.riseAbove(mina);

  expect(asked).toEqual(['mina']);
});

test('a mailbox that could not be read is read again for the next message', async () => {
  const { senders, asked } = sendersOf([false, true]);

  await senders.riseAbove(mina);
  await senders.riseAbove(mina);
  await senders.riseAbove(mina);

  expect(asked).toEqual(['mina', 'mina']);
});
