import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { serveChat } from '../support/serve-chat.ts';
import { ENDPOINTS, HENRYS, ask } from './kit/requests-of-all-kinds.ts';

const PAGES = ['', ...readdirSync(join(PACKAGE_DIR, 'public')).filter((name) => name.endsWith('.html'))];
const FILES = [...PAGES, 'style.css', 'js/chat.js', 'favicon.svg', 'lang/en.json', 'js', 'nothing.html'];
const POLICY =
  "default-src 'self';base-uri 'none';form-action 'self';object-src 'none';img-src 'self' data: blob:;frame-ancestors 'none'";

test.each(PAGES)('the page /%s runs and loads only our own files, in no frame, and sends no referrer', async (page) => {
  const { url } = await serveChat();

  const { status, headers, text } = await ask(url, { method: 'GET', path: `/${page}` }, {});

  expect(status).toBe(200);
  expect(Object.fromEntries(headers)).toMatchObject({
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
  });
  expect(headers.has('x-powered-by')).toBe(false);
  expect(text).not.toMatch(
    /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:|(?:src|href)="(?:https?:)?\/\//i,
  );
});

test.each(FILES)('/%s cannot be read by another site, and does not demand https', async (file) => {
  const { url } = await serveChat();

  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    const { headers } = await fetch(`${url}/${file}`, {
      method,
      headers: { Origin: 'http://evil.test', 'Access-Control-Request-Method': 'GET' },
    });
    const names = [...headers.keys()];
    expect(names.filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(names).not.toContain('strict-transport-security');
    expect(headers.get('content-security-policy') ?? '').not.toMatch(/unsafe|upgrade-insecure|\*/);
  }
});

test.each(ENDPOINTS)('$method $path is never cached, sniffed or shared', async ({ rest, ...endpoint }) => {
  const { url } = await serveChat();
  const good = { ...rest, ...HENRYS[endpoint.path] };

  const answers = [
    await ask(url, endpoint, good),
    await ask(url, endpoint, {}),
    await ask(url, endpoint, good, { Origin: 'http://evil.test' }),
  ];

  expect(answers.map(({ status }) => status)).toEqual([expect.any(Number), 400, 403]);
  for (const { headers, text } of answers) {
    expect(headers.get('cache-control')).toMatch(/no-(?:store|cache)/);
    if (text !== '') expect(headers.get('x-content-type-options')).toBe('nosniff');
    if (text !== '') expect(headers.get('content-type')).not.toMatch(/html|xml|javascript/);
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});
