import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { serveChat } from '../support/serve-chat.ts';

const FILES = readdirSync(join(PACKAGE_DIR, 'public'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => join(parentPath, name).slice(join(PACKAGE_DIR, 'public').length));

test('what only an editor reads is not served, in whatever form it is asked for', async () => {
  const { url } = await serveChat();
  const forEditors = FILES.filter((path) => path.endsWith('.ts') || path.endsWith('tsconfig.json'));
  expect(forEditors.length).toBeGreaterThan(2);

  const forms = forEditors.flatMap((path) => [path, path.replaceAll('.', '%2e'), `/lang/..%2f${path}`, `/.${path}`]);
  const statuses = await Promise.all(forms.map(async (path) => [path, (await fetch(url + path)).status]));

  expect(statuses).toEqual(forms.map((path) => [path, 404]));
});

test('everything else is served, and not again to who has it', async () => {
  const { url } = await serveChat();
  const forPages = FILES.filter((path) => !path.endsWith('.ts') && !path.endsWith('tsconfig.json'));

  for (const path of forPages) {
    const first = await fetch(url + path);
    const again = await fetch(url + path, { headers: { 'If-None-Match': first.headers.get('etag')! } });

    expect({ path, statuses: [first.status, again.status] }).toEqual({ path, statuses: [200, 304] });
    expect(await again.text()).toBe('');
  }
});
