/**
 * Times each step of a newcomer: from a fresh clone to the first message in a browser, and from a fresh Express app to
 * two pages that chat.
 *
 *     npm run newcomer [-- --warm]    --warm: uses npm's cache
 *
 * Needs Chromium (on the PATH, or CHROMIUM), the npm registry and a minute or two. Clones what is committed.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { chromium } from 'playwright-core';

const HERE = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({ options: { warm: { type: 'boolean', default: false } } });

const work = await mkdtemp(join(tmpdir(), 'mailbox-chat-newcomer-'));
const clone = join(work, 'mailbox-chat');
const app = join(work, 'app');
const env = {
  ...process.env,
  PORT: '0', // the usual port may be taken
  npm_config_fund: 'false',
  npm_config_audit: 'false',
  ...(values.warm || { npm_config_cache: join(work, 'npm-cache') }),
};

async function fromClone() {
  const walk = new Walk('A fresh clone, up to the first message in a browser');
  await walk.step('git clone', () => run(work, 'git', 'clone', '--quiet', HERE, clone));
  await walk.step('npm ci', () => run(clone, 'npm', 'ci'));
  const server = await walk.step('npm start', () => start(clone, /"url":"([^"]+)"/, 'npm', 'start', '--silent'));
  await walk.step('two people chat', () => chat(server.url));
  walk.end();
  await server.stop();
}

async function fromExpressApp() {
  const [tarball] = (await run(clone, 'npm', 'pack', '--silent')).trim().split('\n').slice(-1);
  const walk = new Walk('A fresh Express app, up to two pages that chat');
  await walk.step('npm init', async () => {
    await mkdir(app);
    await run(app, 'npm', 'init', '--yes');
    await run(app, 'npm', 'pkg', 'set', 'type=module');
  });
  await walk.step('npm install', () => run(app, 'npm', 'install', 'express', join(clone, tarball)));
  await walk.step('paste the example', () => cp(join(clone, 'examples/express-5/server.js'), join(app, 'server.js')));
  const server = await walk.step('node server.js', () => start(app, /^(http:\S+)/m, 'node', 'server.js'));
  await walk.step('two people chat', () => chat(server.url));
  walk.end();
  await server.stop();
}

/** Henry and jjeong open their pages, and each sees what the other says. */
async function chat(url) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? (await run('/', 'sh', '-c', 'command -v chromium')).trim(),
    args: ['--no-sandbox'],
  });
  try {
    const [henry, jjeong] = await Promise.all(
      ['chat1.html', 'chat2.html'].map(async (name) => {
        const page = await (await browser.newContext({ locale: 'en-US' })).newPage();
        await page.goto(new URL(name, url).href);
        return page;
      }),
    );
    await say(henry, 'hello', jjeong);
    await say(jjeong, 'hello to you', henry);
  } finally {
    await browser.close();
  }
}

async function say(from, text, to) {
  const composer = from.getByRole('textbox', { name: /^Message to / });
  await composer.fill(text);
  await composer.press('Enter');
  await to.getByRole('log').getByText(text, { exact: true }).waitFor();
}

/** Starts a server and resolves when it has printed its address. */
async function start(cwd, place, ...command) {
  const child = spawn(command[0], command.slice(1), { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const stop = async () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
    await exited;
  };
  let output = '';
  for await (const text of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    output += text;
    const url = place.exec(output)?.[1];
    if (url) return { url, stop };
  }
  throw new Error(`${command.join(' ')} ended: ${output}`);
}

async function run(cwd, ...command) {
  const { stdout } = await promisify(execFile)(command[0], command.slice(1), { cwd, env });
  return stdout;
}

/** Prints how long each step took, and all of them together. */
class Walk {
  #begunMs = performance.now();

  constructor(name) {
    console.log(name);
  }

  async step(name, work) {
    const begunMs = performance.now();
    const done = await work();
    tell(name, begunMs);
    return done;
  }

  end() {
    tell('in all', this.#begunMs);
    console.log('');
  }
}

function tell(name, begunMs) {
  const seconds = (performance.now() - begunMs) / 1000;
  console.log(`  ${name.padEnd(20)}${seconds.toFixed(1).padStart(6)} s`);
}

try {
  console.log(`Node ${process.versions.node}, npm's cache ${values.warm ? 'as it is' : 'empty'}\n`);
  await fromClone();
  await fromExpressApp();
} finally {
  await rm(work, { recursive: true, force: true });
}
