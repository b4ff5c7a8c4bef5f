import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PACKAGE_DIR, buildPackage } from '../support/built-package.ts';
import { documents } from './kit/documents.ts';
import { makeDirectory, removeDirectory } from '../support/make-directory.ts';

const NODE_MODULES = join(PACKAGE_DIR, 'node_modules');

const RESOLUTIONS = [
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
];

/** The rest of a snippet's application: Express, and a login that extends its request as passport does. */
const APPLICATION = `
  declare namespace Express {
    interface User { name: string; email: string; isAdministrator: boolean }
    interface Request { user?: User }
  }
  declare const app: import('express').Express;
  declare const identify: () => string;
`;

const DECLARED = [
  'express',
  'express-serve-static-core',
  'body-parser',
  'connect',
  'http-errors',
  'mime',
  'qs',
  'range-parser',
  'send',
  'serve-static',
];

const blocks = documents().flatMap(({ path, blocks }) =>
  blocks.flatMap(({ language, code }) => (language === 'ts' ? [{ path, code }] : [])),
);
/** Calls with a function in the middle of a sentence. */
const calls = documents().flatMap(({ path, text }) =>
  Array.from(text.matchAll(/`(mailboxChat\([^`]*=>[^`]*\))`/g), ([, call]) => ({
    path,
    code: `import { mailboxChat } from 'mailbox-chat';\nexport const chat = ${call};`,
  })),
);

const PLAIN = `
  import { createServer, type IncomingMessage } from 'node:http';
  import { mailboxChat, type MailboxChat, type MailboxChatOptions } from 'mailbox-chat';

  const chat = mailboxChat({ identify: (req) => req.headers['x-user']?.toString(), mayInspect: (req) => req.url === '/' });
  createServer(chat).listen(0);

  interface SignedIn extends IncomingMessage { session?: { name: string } }
  export const own: MailboxChat = mailboxChat({
    identify: async (req: SignedIn) => req.session?.name,
    mayInspect: (req) => req.session?.name === 'ann',
  });
  export const options: MailboxChatOptions<SignedIn> = { identify: ({ session }) => session?.name };
  export const withOptions: MailboxChat = mailboxChat(options);
  export const unnamed: MailboxChatOptions = { people: ['henry'] };

  // @ts-expect-error nobody has declared a user
  mailboxChat({ identify: (req) => req.user?.name });
  // @ts-expect-error a number is no name
  mailboxChat({ identify: () => 42 });
  // @ts-expect-error a name is no answer to whether
  mailboxChat({ mayInspect: () => 'yes' });
  // @ts-expect-error no such option
  mailboxChat({ dirr: './mail' });
`;

const EXPRESS = `
  import express, { type Request } from 'express';
  import { mailboxChat } from 'mailbox-chat';

  app.use('/chat', mailboxChat({ identify: (req: Request) => req.get('x-user'), mayInspect: (req) => req.ip === '::1' }));
  app.use('/other', mailboxChat({ identify: (req) => req.user?.email.replace('@', '_at_') }));
  express().use(mailboxChat());
`;

describe.each(RESOLUTIONS)('with %j, strictly, our declarations checked too,', (resolution) => {
  let work: string;
  beforeAll(() => {
    buildPackage();
    work = makeDirectory();
  });
  afterAll(() => removeDirectory(work));

  test('compile the snippets, in an application that uses Express and a login', async () => {
    const app = makeApplication(join(work, 'express'), ['node', ...DECLARED]);
    const snippets = Object.fromEntries([...blocks, ...calls].map(({ path, code }, i) => [fileName(path, i), code]));
    const files = { ...snippets, 'own.ts': EXPRESS, 'application.d.ts': APPLICATION };

    expect(await complaintsAbout(app, files, resolution)).toBe('');
  });

  test('compiles a plain server of node:http, where nobody knows of Express', async () => {
    const app = makeApplication(join(work, 'plain'), ['node']);

    expect(await complaintsAbout(app, { 'plain.ts': PLAIN }, resolution)).toBe('');
  });
});

test('The documents have snippets, and calls with a function', () => {
  expect(blocks.length).toBeGreaterThan(2);
  expect(calls.length).toBeGreaterThan(0);
});

/** The name of the file for the compiler: docs-scaling-2.ts. */
function fileName(path: string, index: number): string {
  return `${path.replace(/\.md$/, '').replaceAll('/', '-')}-${index}.ts`;
}

/** A directory with this package as it is installed, its dependencies, and the declarations of these packages alone. */
function makeApplication(dir: string, declared: readonly string[]): string {
  const modules = join(dir, 'node_modules');
  const own = join(modules, 'mailbox-chat');
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(own, { recursive: true });
  cpSync(join(PACKAGE_DIR, 'package.json'), join(own, 'package.json'));
  cpSync(join(PACKAGE_DIR, 'dist'), join(own, 'dist'), { recursive: true });
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as {
    dependencies: object;
    peerDependencies: object;
  };
  const types = declared.map((name) => `@types/${name}`);
  for (const name of [...Object.keys({ ...dependencies, ...peerDependencies }), ...types]) link(name, modules);
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  return dir;
}

function link(name: string, modules: string): void {
  mkdirSync(dirname(join(modules, name)), { recursive: true });
  symlinkSync(join(NODE_MODULES, name), join(modules, name));
}

async function complaintsAbout(
  dir: string,
  files: Readonly<Record<string, string>>,
  resolution: (typeof RESOLUTIONS)[number],
): Promise<string> {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  const compilerOptions = {
    ...resolution,
    target: 'es2023',
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
  };
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
  const compiling = promisify(execFile)(join(NODE_MODULES, '.bin/tsc'), ['-p', 'tsconfig.json'], { cwd: dir });
  const { stdout } = await compiling.catch((error: { stdout: string; stderr: string }) => error);
  return stdout;
}
