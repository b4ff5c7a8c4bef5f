import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { chromium, type Browser, type Page } from 'playwright-core';
import { QUIETLY, isReady, shows, textsOn, tryNow, write } from '../browser/stage.ts';
import { block } from '../docs/kit/documents.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { missingOf } from '../support/machine.ts';
import { requires } from '../support/requires.ts';
import { DEADLINE_MS, until } from '../support/until.ts';
import { Machine, type Output } from './machine.ts';

const GUIDE = 'docs/deploy.md';
const MINUTES_MS = 180_000;
const MACHINE = [
  'root',
  'unshare',
  'nsenter',
  'ip',
  'systemd-analyze',
  'nginx',
  'caddy',
  'openssl',
  'curl',
  'chromium',
];
const SERVICE = '/etc/systemd/system/mailbox-chat.service';

let machine: Machine;
let browser: Browser | undefined;

const onMachine = requires(...MACHINE);

beforeAll(async () => {
  if (missingOf(MACHINE).length > 0) return; // each test reports this
  machine = await Machine.boot();
  const [clean, ...commands] = block(GUIDE, 'npm ci').code.trim().split('\n');
  expect(clean).toBe('npm ci'); // whoever runs the tests has already done that
  await machine.runOnline(commands.join('\n'));
  await machine.run(block(GUIDE, 'useradd --system --shell /usr/sbin/nologin mailbox-chat').code);
  browser = await chromium.launch({
    executablePath: machine.browser(),
    args: [...QUIETLY, '--host-resolver-rules=MAP chat.example.org 127.0.0.1'],
  });
}, MINUTES_MS);

afterAll(async () => {
  await browser?.close();
  if (machine) await machine.stop();
});

const READY = 'curl --fail --silent --retry 10 --retry-connrefused http://127.0.0.1:2012/readyz';

async function linksTo(url: string): Promise<{ henry: string; jjeong: string }> {
  const invite = 'runuser -u mailbox-chat -- mailbox-chat invite henry --dir /var/lib/mailbox-chat --url';
  const { code } = block(GUIDE, `${invite} https://chat.example.org/`);
  const [henry = '', jjeong = ''] = (await machine.run(code.replaceAll('https://chat.example.org/', url))).split('\n');
  return { henry, jjeong };
}

/** Opens a link, as a person who has just got it would. */
async function enter(link: string, other: string): Promise<Page> {
  const context = await browser!.newContext({ locale: 'en-US', ignoreHTTPSErrors: true });
  afterThisTest(() => context.close());
  context.setDefaultTimeout(DEADLINE_MS);
  const page = await context.newPage();
  await page.goto(link);
  await page.getByRole('link', { name: other }).click();
  await isReady(page);
  return page;
}

async function twoPeopleTalk(
  url: string,
  [question, answer]: [string, string],
): Promise<{ henry: Page; jjeong: Page }> {
  const links = await linksTo(url);
  const [henry, jjeong] = [await enter(links.henry, 'jjeong'), await enter(links.jjeong, 'henry')];
  await write(henry, question);
  await shows(jjeong, question);
  await write(jjeong, answer);
  await shows(henry, answer);
  return { henry, jjeong };
}

describe('docs/deploy.md', () => {
  onMachine('leads to a service that may do little', async () => {
    const inspected = await machine.try(`systemd-analyze verify ${SERVICE}`);
    const security = await machine.run('systemd-analyze security --no-pager mailbox-chat');
    const pid = (await machine.run('systemctl show --property MainPID --value mailbox-chat')).trim();
    const status = await machine.run(`cat /proc/${pid}/status`);

    expect(inspected).toEqual({ code: 0, stdout: '', stderr: '' });
    const exposure = /exposure level for mailbox-chat.service: ([\d.]+)/.exec(security)?.[1];
    expect(Number(exposure)).toBeLessThan(2);
    expect(/^CapEff:\s*(\w+)/m.exec(status)?.[1]).toBe('0000000000000000');
    expect(/^Seccomp:\s*(\d)/m.exec(status)?.[1]).toBe('2');
    expect(await machine.run('stat --format "%U %a" /var/lib/mailbox-chat')).toBe('mailbox-chat 700\n');
    const elsewhere = await machine.try(`nsenter --target ${pid} --mount touch /usr/x /etc/x /var/lib/x`);
    expect(elsewhere.stderr.match(/Read-only file system/g)).toHaveLength(3);
    expect(await machine.run('journalctl --unit mailbox-chat')).toContain('"people":["henry","jjeong"]');
  });

  onMachine('has the service started again when it fails, and down when what it is told makes no sense', async () => {
    const restarts = (): Promise<string> => machine.run('systemctl show --property NRestarts --value mailbox-chat');
    await machine.run('systemctl kill --signal KILL mailbox-chat');
    await until('its new start', async () => (await restarts()) === '1\n');
    await machine.run(READY);

    await machine.run('cp /etc/mailbox-chat.env /tmp; echo MAILBOX_MAX_MESSAGE=long >> /etc/mailbox-chat.env');
    await machine.run('systemctl restart mailbox-chat');
    await until('its end', async () => (await machine.try('systemctl is-failed mailbox-chat')).code === 0);
    const ended = await machine.run('systemctl show --property ExecMainStatus,SubState,NRestarts mailbox-chat');
    await machine.run(`cp /tmp/mailbox-chat.env /etc/; systemctl restart mailbox-chat; ${READY}`);

    expect(ended).toBe('NRestarts=0\nExecMainStatus=78\nSubState=failed\n');
    expect(await machine.run('journalctl --unit mailbox-chat')).toContain('MAILBOX_MAX_MESSAGE must be');
  });

  onMachine('puts Caddy before it, which makes its own certificates', async () => {
    await machine.run(block(GUIDE, 'cp deploy/Caddyfile /etc/caddy/Caddyfile').code.replace(/^systemctl.*$/m, ''));
    await machine.run(String.raw`sed -i 's/^\treverse_proxy/\ttls internal\n&/' /etc/caddy/Caddyfile`);
    await machine.run('systemctl restart caddy');
    afterThisTest(() => machine.run('systemctl stop caddy'));
    await machine.run('curl --insecure --fail --silent --retry 10 --retry-all-errors https://chat.example.org/readyz');

    const { henry } = await twoPeopleTalk('https://chat.example.org/', ['hi', 'hello']);

    const cookies = await henry.context().cookies();
    expect(cookies).toMatchObject([{ secure: true, httpOnly: true, sameSite: 'Strict', path: '/' }]);
    expect(await machine.run('curl --silent --head "http://chat.example.org/a?b=c"')).toContain(
      'Location: https://chat.example.org/a?b=c',
    );
  });

  onMachine('puts nginx before it, and goes on after a new version', async () => {
    const certificate = '/etc/ssl/chat.example.org';
    await machine.run(
      `mkdir -p ${certificate}; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
         -subj /CN=chat.example.org -keyout ${certificate}/privkey.pem -out ${certificate}/fullchain.pem 2>&1`,
    );
    await machine.run(block(GUIDE, 'cp deploy/nginx.conf /etc/nginx/conf.d/mailbox-chat.conf').code);
    afterThisTest(() => machine.run('systemctl stop nginx; rm /etc/nginx/conf.d/mailbox-chat.conf'));
    const { henry, jjeong } = await twoPeopleTalk('https://chat.example.org/', ['how are you?', 'fine']);

    await machine.run(block(GUIDE, 'systemctl restart mailbox-chat').code);
    await write(henry, 'still there?');
    await until('the message', async () => {
      await tryNow(henry);
      await tryNow(jjeong);
      return (await textsOn(jjeong)).includes('still there?');
    });

    expect((await textsOn(jjeong)).slice(-3)).toEqual(['how are you?', 'fine', 'still there?']);
    expect(await machine.run('curl --silent --head "http://chat.example.org/a?b=c"')).toContain(
      'Location: https://chat.example.org/a?b=c',
    );
  });

  onMachine('lets nginx with its default settings have it under a path, on plain http', async () => {
    await machine.run('cp examples/behind-nginx/nginx.conf /etc/nginx/conf.d/site.conf; systemctl restart nginx');
    afterThisTest(() => machine.run('systemctl stop nginx; rm /etc/nginx/conf.d/site.conf'));
    await machine.run('echo MAILBOX_ALLOWED_HOST=chat.example.org >> /etc/mailbox-chat.env');
    await machine.run(`systemctl restart mailbox-chat; ${READY}`);

    await twoPeopleTalk('http://chat.example.org/chat/', ['here, too?', 'yes']);
  });

  onMachine('lets a program under www-data write to mailboxes, and make them', async () => {
    await machine.run(block(GUIDE, 'mkdir --parents /etc/systemd/system/mailbox-chat.service.d').code);
    const asPage = (script: string): Promise<Output> =>
      machine.try(`runuser -u www-data -- sh -ec "cd /var/lib/mailbox-chat; ${script}"`);
    const { jjeong } = await linksTo('http://chat.example.org/');
    const ask = (request: string): Promise<string> =>
      machine.run(
        `curl --fail --silent -H "Authorization: Bearer ${new URL(jjeong).hash.slice(5)}" http://127.0.0.1:2012${request}`,
      );

    const made = await asPage(String.raw`printf 'data: from a page\n\n' > newcomer.txt`);
    await ask('/messages -d sender=jjeong -d receiver=newcomer -d message=hi');
    const written = await asPage(String.raw`printf 'data: and again\n\n' >> newcomer.txt`);
    const looked = await asPage('ls .delivered');
    const { messages } = JSON.parse(await ask('/history?receiver=jjeong\\&sender=newcomer')) as { messages: unknown[] };

    expect([made.code, written.code]).toEqual([0, 0]);
    expect(looked.stderr).toContain('Permission denied');
    expect(messages).toMatchObject([{ message: 'hi' }]);
    expect(await machine.run('cat /var/lib/mailbox-chat/newcomer.txt')).toMatch(/"message":"hi"[^]*and again/);
  });
});
