import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect } from '@jest/globals';
import { cleanUp, run, serve, temporaryDirectory, type Ready, type Running } from '../command/running.ts';
import { history, say } from '../support/requests.ts';
import { requires } from '../support/requires.ts';
import { until } from '../support/until.ts';

/** The group of the directory, and a member of it who runs no server. */
const GROUP = 33;
const MEMBER = 33;
const NOBODY = 65_534;
const PRIVATE = ['.taken', '.delivered', '.marks', '.locks', '.access', '.changes', '.files', '.owner'];

const asRoot = requires('root', 'setpriv');

afterEach(cleanUp);

/** A place that others can reach, like one in /srv. */
function sharedDirectory(server: number): string {
  const parent = temporaryDirectory();
  chmodSync(parent, 0o755);
  const dir = join(parent, 'mailboxes');
  mkdirSync(dir);
  chownSync(dir, server, GROUP);
  chmodSync(dir, 0o2770);
  return dir;
}

async function start(dir: string, server: number): Promise<Running & Ready> {
  const started = await serve(['--dir', dir, '--group-writable'], { through: as(server) });
  return Object.assign(started, { url: started.url.replace(/\/$/, '') });
}

function as(user: number): string[] {
  return user === 0 ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, `--groups=${GROUP}`];
}

/** Runs a shell command as a member of the group, in the directory. */
function member(dir: string, line: string): { status: number | null; stdout: string } {
  const words = [`--reuid=${MEMBER}`, `--regid=${GROUP}`, '--clear-groups', 'sh', '-c', line];
  const { status, stdout } = spawnSync('setpriv', words, { cwd: dir, encoding: 'utf8', timeout: 10_000 });
  return { status, stdout };
}

/** A file of the server's user that the group may not read. */
function secretOf(dir: string, server: number): string {
  const path = join(dir, '..', 'secret');
  writeFileSync(path, 'data: nothing for the group\n\n', { mode: 0o600 });
  chownSync(path, server, server);
  return path;
}

const inodes = (dir: string): string[] => readdirSync(dir).map((name) => `${name} ${lstatSync(join(dir, name)).ino}`);
const texts = async (at: { readonly url: string }, receiver: string, sender: string): Promise<string[]> =>
  (await history(at, receiver, sender)).messages.map(({ message }) => message);

describe.each([
  ['root', 0],
  ['an ordinary user', NOBODY],
])('somebody who may write to the mailboxes of a server that runs as %s', (_who, server) => {
  asRoot('appends to a mailbox, and makes one that is not there', async () => {
    const dir = sharedDirectory(server);
    const { url } = await start(dir, server);
    await say({ url }, 'jjeong', 'henry', 'from the page');

    const { status } = member(dir, `for name in henry mina; do printf 'data: %s\\n\\n' "to $name" >> $name.txt; done`);

    expect(status).toBe(0);
    for (const name of ['henry', 'mina']) {
      const kept = await fetch(`${url}/status?receiver=${name}&since=all`, { headers: { Accept: 'application/json' } });
      expect(await kept.text()).toContain(`to ${name}`);
    }
    expect(await say({ url }, 'jjeong', 'mina', 'behind it')).toMatchObject({ state: 'sent' });
    expect(statSync(dir).mode & 0o7777).toBe(0o3770);
  });

  asRoot('can neither read, rename, replace nor remove what is the server’s', async () => {
    const dir = sharedDirectory(server);
    const { url } = await start(dir, server);
    await say({ url }, 'jjeong', 'henry', 'hi');
    const before = inodes(dir);

    for (const name of [...PRIVATE, '.layout', 'henry.txt']) {
      for (const attack of [`mv ${name} away`, `mv -T /bin ${name}`, `ln -sfn /etc ${name}`, `rm -rf ${name}`]) {
        expect([attack, member(dir, attack).status === 0 && attack.startsWith('mv')]).toEqual([attack, false]);
      }
    }
    for (const name of PRIVATE) expect([name, member(dir, `ls ${name}`).status]).not.toEqual([name, 0]);

    expect(inodes(dir)).toEqual(before);
    expect(await texts({ url }, 'henry', 'jjeong')).toEqual(['hi']);
    for (const name of PRIVATE) expect(lstatSync(join(dir, name))).toMatchObject({ uid: server });
    for (const name of PRIVATE) expect([name, lstatSync(join(dir, name)).mode & 0o777]).toEqual([name, 0o700]);
    const socket = lstatSync(join(dir, '.owner/socket'));
    expect([socket.uid, socket.mode & 0o777]).toEqual([server, 0o600]);
  });

  asRoot('is not served where something of theirs stands in the place of a private directory', async () => {
    const refuses = async (name: string, plant: string): Promise<void> => {
      const dir = sharedDirectory(server);
      const elsewhere = join(dir, '../elsewhere');
      mkdirSync(elsewhere);
      chownSync(elsewhere, server, server);
      expect(member(dir, plant).status).toBe(0);

      const { code, stderr } = await run(['--port', '0', '--dir', dir, '--group-writable'], { through: as(server) });

      expect([plant, code === 0, stderr]).toEqual([plant, false, expect.stringContaining(name)]);
      expect(stderr).toContain('Move it away');
      expect(readdirSync(elsewhere)).toEqual([]);
    };

    for (const name of PRIVATE) {
      await Promise.all([`mkdir ${name}`, `ln -s ../elsewhere ${name}`].map((plant) => refuses(name, plant)));
    }
    await Promise.all(['mkfifo .access', 'echo > .access'].map((plant) => refuses('.access', plant)));
  });

  asRoot('leads no draft to another file by a link that stands in its place', async () => {
    const dir = sharedDirectory(server);
    const secret = secretOf(dir, server);
    const { url, pid } = await start(dir, server);
    await say({ url }, 'jjeong', 'henry', 'hi');
    const names = ['.floor', `.floor.${pid}`, '.converting', '.torn', '.live', '.host', '.socket', 'probe'];
    for (const name of names) member(dir, `ln -sfn ../secret ${name}`);

    await run(['forget', 'henry', '--dir', dir], { through: as(server) });
    await say({ url }, 'jjeong', 'henry', 'again');

    expect(readFileSync(secret, 'utf8')).toBe('data: nothing for the group\n\n');
    expect(await texts({ url }, 'henry', 'jjeong')).toEqual(['again']);
  });

  asRoot('does not make the server convert, or number, mail as they say', async () => {
    const dir = sharedDirectory(server);
    const first = await start(dir, server);
    await say(first, 'jjeong', 'henry', 'hi');
    process.kill(first.pid, 'SIGTERM');
    await first.ended;
    const lines = [`echo > .converting`, `mkdir .torn && touch .torn/mine`, `echo 8999999999999999-0 > .floor`];
    for (const line of lines) expect(member(dir, line).status).toBe(0);

    const second = await start(dir, server);
    const { id } = await say(second, 'jjeong', 'mina', 'later');

    expect(existsSync(join(dir, '.torn/mine'))).toBe(true);
    expect(Number(id.split('-')[0])).toBeLessThan(Date.now() + 60_000);
    expect(await texts(second, 'henry', 'jjeong')).toEqual(['hi']);
  });

  asRoot('gets nothing from files that they give the name of a mailbox', async () => {
    const dir = sharedDirectory(server);
    secretOf(dir, server);
    const { url } = await start(dir, server);
    await say({ url }, 'jjeong', 'henry', 'hi');
    const plants = {
      a: 'ln -s ../secret a.txt',
      c: 'mkfifo c.txt',
      d: 'mkdir d.txt',
      e: 'ln -s .access/people.json e.txt',
      f: 'ln -s .owner/socket f.txt',
    };
    for (const line of Object.values(plants)) expect([line, member(dir, line).status]).toEqual([line, 0]);
    linkSync(join(dir, '../secret'), join(dir, 'b.txt')); // Linux allows this only if protected_hardlinks is off

    for (const receiver of ['b', ...Object.keys(plants)]) {
      const answer = await fetch(`${url}/messages?receiver=${receiver}`);
      const sent = await fetch(`${url}/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ sender: 'jjeong', receiver, message: 'hi' }),
      });
      const inspected = await fetch(`${url}/inspect?mailbox=${receiver}`);
      for (const text of [await answer.text(), await inspected.text()]) {
        expect([receiver, text]).not.toEqual([receiver, expect.stringContaining('nothing for the group')]);
      }
      expect([receiver, sent.status]).toEqual([receiver, 503]);
    }
    expect(readFileSync(join(dir, '../secret'), 'utf8')).toBe('data: nothing for the group\n\n');
    expect(await texts({ url }, 'henry', 'jjeong')).toEqual(['hi']);
  });

  asRoot('gets no program that runs as the server’s user', async () => {
    const dir = sharedDirectory(server);
    const { url } = await start(dir, server);
    expect(member(dir, `printf 'data: hi\\n\\n' > mina.txt && chmod 6777 mina.txt`).status).toBe(0);
    const mine = statSync(join(dir, 'mina.txt')).ino;
    const stream = await fetch(`${url}/status?receiver=mina`);

    // Between the two steps of a take, there is no file.
    const inode = (): number | undefined => statSync(join(dir, 'mina.txt'), { throwIfNoEntry: false })?.ino;
    await until('the mailbox is taken', () => (inode() ?? mine) !== mine);
    await stream.body?.cancel();

    expect(statSync(join(dir, 'mina.txt')).mode & 0o7000).toBe(0);
    const copy = join(temporaryDirectory(), 'copy');
    chmodSync(join(copy, '..'), 0o777);
    expect(await run(['backup', copy, '--dir', dir], { through: as(server) })).toMatchObject({ code: 0 });
    const files = readdirSync(copy, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (const file of files) expect(statSync(join(file.parentPath, file.name)).mode & 0o7000).toBe(0);
  });
});
