import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { ADMINISTRATOR, CALLER_HEADER, callerHeader } from '../../src/access/caller.ts';
import { Invitations } from '../../src/access/invitations.ts';
import { personName } from '../../src/words/mailbox-name.ts';
import { startChatProcess, type ChatProcess } from '../support/chat-process.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { say } from '../support/requests.ts';
import { inTime } from '../support/until.ts';
import { ask, type Answer } from './kit.ts';

const HI = JSON.stringify({ sender: 'jjeong', receiver: 'henry', message: 'hi' });
const JSON_BODY = { 'content-type': 'application/json' };
const AS_EVERYBODY = { [CALLER_HEADER]: callerHeader(ADMINISTRATOR) };

/** The owner of a directory, and a process that passes its requests on. */
async function two(options: Parameters<typeof startChatProcess>[1] = {}): Promise<{
  readonly dir: string;
  readonly owner: ChatProcess;
  readonly front: ChatProcess;
}> {
  const dir = temporaryDirectory();
  const owner = await startChatProcess(dir);
  await fetch(`${owner.url}/readyz`);
  return { dir, owner, front: await startChatProcess(dir, options) };
}

function send({ url }: ChatProcess, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const { port } = new URL(url);
  return ask({ port, method: 'POST', path: '/messages', headers: { ...JSON_BODY, ...headers } }, HI);
}

describe('a process that passes requests on', () => {
  test("asks its own application who is asking, whatever the owner's would say", async () => {
    const { front, owner } = await two({ login: true });

    const answers = [
      await send(front, {}),
      await send(front, { 'x-user': 'henry' }),
      await send(front, { 'x-user': 'jjeong' }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([401, 403, 201]);
    expect((await send(owner, {})).status).toBe(201);
    const readsMine = await fetch(`${front.url}/history?receiver=henry&sender=jjeong`, {
      headers: { 'x-user': 'jjeong' },
    });
    expect(readsMine.status).toBe(403);
  });

  test('lets people in by invitation links, says who was invited, and exchanges keys for cookies', async () => {
    const { dir, front } = await two({ access: 'links' });
    const key = new Invitations(dir).invite(personName('jjeong'));
    const mina = new Invitations(dir).invite(personName('mina'));

    const session = await fetch(`${front.url}/session`, {
      method: 'POST',
      headers: JSON_BODY,
      body: JSON.stringify({ key }),
    });
    const cookie = session.headers.get('set-cookie')!.split(';', 1)[0]!;

    const answers = [
      await send(front, {}),
      await send(front, { authorization: `Bearer ${mina}` }),
      await send(front, { cookie }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 403, 201]);
    const people = await fetch(`${front.url}/people?receiver=jjeong`, { headers: { cookie } });
    expect(await people.json()).toMatchObject({
      access: 'links',
      people: expect.arrayContaining([expect.objectContaining({ name: 'mina' })]),
    });
  });

  test('ends a stream when its listener’s link is revoked', async () => {
    const { dir, front } = await two({ access: 'links' });
    const invitations = new Invitations(dir);
    const authorization = `Bearer ${invitations.invite(personName('henry'))}`;
    const stream = await fetch(`${front.url}/status?receiver=henry`, { headers: { authorization } });

    invitations.revoke(personName('henry'));

    expect(await inTime('the end of the stream', stream.text())).toContain('"reason":"revoked"');
    expect((await fetch(`${front.url}/status?receiver=henry`, { headers: { authorization } })).status).toBe(401);
  });

  test('gives no mail to a long poll once its link is revoked', async () => {
    const { dir, owner, front } = await two({ access: 'links' });
    const invitations = new Invitations(dir);
    const headers = { accept: 'application/json', authorization: `Bearer ${invitations.invite(personName('henry'))}` };
    const poll = fetch(`${front.url}/status?receiver=henry&wait=50`, { headers });
    await pause(1500); // only answers that take a while are checked again

    invitations.revoke(personName('henry'));
    await say(owner, 'jjeong', 'henry', 'not for him any more');

    const answer = await inTime('the answer', poll);
    expect(answer.status).toBe(401);
    expect(await answer.text()).not.toContain('not for him');
  });
});

describe('a client that sends the header in which servers name a caller', () => {
  test('is not believed, by the owner or by another process', async () => {
    const dir = temporaryDirectory();
    const [owner, front] = [await startChatProcess(dir, { login: true }), await startChatProcess(dir, { login: true })];

    for (const server of [owner, front]) {
      expect((await send(server, AS_EVERYBODY)).status).toBe(401);
      expect((await send(server, { ...AS_EVERYBODY, 'x-user': 'henry' })).status).toBe(403);
    }
  });
});

describe("the directory's socket", () => {
  test('refuses requests without a valid caller', async () => {
    const { dir } = await two();
    const socketPath = join(dir, '.owner/socket');
    const asked = { socketPath, method: 'POST', path: '/messages' };

    for (const said of [
      undefined,
      '',
      'x',
      '%',
      '{}',
      encodeURIComponent('{"access":"open","as":["../etc"],"known":[],"mayInspect":true,"people":[]}'),
    ]) {
      const headers = { ...JSON_BODY, ...(said !== undefined && { [CALLER_HEADER]: said }) };
      expect(await ask({ ...asked, headers }, HI)).toMatchObject({ status: 403 });
    }
    expect(await ask({ ...asked, headers: { ...JSON_BODY, ...AS_EVERYBODY } }, HI)).toMatchObject({ status: 201 });
  });

  test('can be used only by the user whom it belongs to', async () => {
    const { dir } = await two();

    expect(statSync(join(dir, '.owner/socket')).mode & 0o777).toBe(0o600);
  });
});
