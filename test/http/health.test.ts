import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { mailboxChat } from '../../src/index.ts';
import { serveChat } from '../support/serve-chat.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

describe('the health of a chat', () => {
  test('tells which program serves which directory, but not its path', async () => {
    const { url, dir } = await serveChat();

    const answer = await request(url).get('/healthz');

    const directoryHash = createHash('sha256').update(realpathSync(dir)).digest('hex');
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ name: 'mailbox-chat', version, directoryHash });
  });

  test.each(['healthz', 'nowhere'])(
    'ends the answer at /%s with a line feed, so that the prompt is on a new line',
    async (path) => {
      const { url } = await serveChat();

      const answer = await request(url).get(`/${path}`);

      expect(answer.text).toMatch(/^\{.*\}\n$/);
      expect(answer.headers['content-length']).toBe(String(answer.text.length));
    },
  );

  test('is ready while it accepts mail', async () => {
    const { url } = await serveChat();

    const answer = await request(url).get('/readyz');

    expect([answer.status, answer.body]).toEqual([200, { ready: true }]);
  });

  test('is not ready once it is closed, and says when to ask again', async () => {
    const { url, chat } = await serveChat();
    await chat.close();

    const answer = await request(url).get('/readyz');

    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ error: 'CLOSED' });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  test('tells a sender that a closed chat accepts nothing', async () => {
    const { url, chat } = await serveChat();
    await chat.close();

    const answer = await request(url).post('/messages').send({ sender: 'jjeong', receiver: 'henry', message: 'hi' });

    expect([answer.status, (answer.body as { error: string }).error]).toEqual([503, 'CLOSED']);
  });
});

describe('making a chat', () => {
  test.each([0, -1, 1.5, NaN, 1_000_000])('refuses maxMessage %p', (maxMessage) => {
    expect(() => mailboxChat({ maxMessage })).toThrow(TypeError);
  });

  test('refuses people whose names cannot be mailboxes', () => {
    expect(() => mailboxChat({ people: ['../henry'] })).toThrow(
      /'people\[0\]' must be the name of a person.*not '..\/henry'/,
    );
  });

  test('refuses a directory that cannot be used', () => {
    expect(() => mailboxChat({ dir: 'package.json' })).toThrow(/EEXIST|ENOTDIR/);
  });
});
