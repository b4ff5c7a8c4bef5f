import { describe, expect, test } from '@jest/globals';
import { enter, serveLinks } from '../security/kit/links.ts';
import type { At } from '../support/requests.ts';
import { serveChat } from '../support/serve-chat.ts';

/** What `GET /session` answers to a request with these headers. */
async function session({ url }: At, headers: Readonly<Record<string, string>> = {}, person?: string): Promise<unknown> {
  const response = await fetch(`${url}/session${person === undefined ? '' : `?person=${person}`}`, { headers });
  return response.json();
}

describe('a session', () => {
  test('belongs to nobody in open mode, and to an administrator on this computer', async () => {
    const chat = await serveChat();

    expect(await session(chat)).toEqual({ person: null, people: [], administrator: true, mode: 'open', refusal: null });
    expect(await session(chat, { Via: '1.1 proxy' })).toMatchObject({ administrator: false });
  });

  test('with links belongs to those whose links this browser has opened', async () => {
    const chat = await serveLinks();
    const henry = (await enter(chat, chat.keys.henry)).cookie;
    const both = `${henry}; ${(await enter(chat, chat.keys.jjeong)).cookie}`;

    expect(await session(chat, { Cookie: henry })).toEqual({
      person: 'henry',
      people: ['henry'],
      administrator: false,
      mode: 'links',
      refusal: null,
    });
    expect(await session(chat, { Cookie: both }, 'jjeong')).toMatchObject({
      people: ['henry', 'jjeong'],
      refusal: null,
    });
  });

  test('tells apart people without a link, with an ended link, and with another person’s link', async () => {
    const chat = await serveLinks();
    const henry = (await enter(chat, chat.keys.henry)).cookie;
    const jjeong = (await enter(chat, chat.keys.jjeong)).cookie;
    chat.invite('henry'); // replaces his link

    expect(await session(chat)).toMatchObject({ person: null, refusal: 'no-link' });
    expect(await session(chat, { Cookie: henry })).toMatchObject({ person: null, refusal: 'link-ended' });
    expect(await session(chat, { Cookie: `${henry}; ${jjeong}` }, 'henry')).toMatchObject({
      person: 'jjeong',
      refusal: 'link-ended',
    });
    expect(await session(chat, { Cookie: jjeong }, 'henry')).toMatchObject({ refusal: 'other-person' });
  });

  test('from a link that was opened on plain http is valid nowhere else', async () => {
    const chat = await serveLinks({ trustProxy: true });
    const { cookie } = await enter(chat, chat.keys.henry);
    const https = { Cookie: cookie, 'X-Forwarded-Proto': 'https' };

    expect(await session(chat, https)).toMatchObject({ person: null, people: [], refusal: 'link-elsewhere' });
    expect(await session(chat, https, 'henry')).toMatchObject({ refusal: 'link-elsewhere' });
  });

  test('with the application’s login belongs to whoever is signed in, and does not mention links', async () => {
    const chat = await serveChat({
      identify: (req) => String(req.headers['x-login'] ?? ''),
      mayInspect: (req) => req.headers['x-login'] === 'ann',
    });

    expect(await session(chat, { 'x-login': 'ann' })).toEqual({
      person: 'ann',
      people: ['ann'],
      administrator: true,
      mode: 'login',
      refusal: null,
    });
    expect(await session(chat, { 'x-login': 'ben' }, 'ann')).toMatchObject({
      administrator: false,
      refusal: 'other-person',
    });
    expect(await session(chat)).toMatchObject({ person: null, refusal: 'not-signed-in' });
  });
});
