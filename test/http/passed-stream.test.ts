import { once } from 'node:events';
import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import { expect, test } from '@jest/globals';
import { PassedStream } from '../../src/http/passed-stream.ts';
import { eventStreamFormat } from '../../src/http/wire-format.ts';
import { serve } from '../support/serve-chat.ts';

test('a bye to a stream that the owner has just ended does no harm', async () => {
  const owner = await serve((_, res) => res.end('data: last\n\n'));
  const failures: unknown[] = [];
  const front = await serve((_, res) => void passOn(res));
  async function passOn(res: ServerResponse): Promise<void> {
    const [answer] = (await once(get(owner.url), 'response')) as [IncomingMessage];
    const stream = new PassedStream(res, eventStreamFormat, answer);
    res.on('error', (error) => failures.push(error));
    answer.on('end', () => stream.bye('shutdown', 1000));
  }

  expect(await (await fetch(front.url)).text()).toBe('data: last\n\n');
  expect(failures).toEqual([]);
});
