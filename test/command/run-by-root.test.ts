import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect } from '@jest/globals';
import { requires } from '../support/requires.ts';
import { foreignIn, SERVICE, serviceDirectoryIn } from '../support/service-directory.ts';
import { cleanUp, run, Running, serve, temporaryDirectory } from './running.ts';

afterEach(cleanUp);

const serviceDirectory = (): string => serviceDirectoryIn(temporaryDirectory());

async function statusWith(url: string, key: string): Promise<number> {
  return (await fetch(`${url}people?receiver=henry`, { headers: { Authorization: `Bearer ${key}` } })).status;
}

const keyIn = (link: string): string => link.trim().split('#key=')[1]!;

requires('root')('Links that root makes in the directory of a service let people in', async () => {
  const dir = serviceDirectory();
  const { stdout: before } = await run(['invite', 'henry', '--dir', dir, '--url', 'http://localhost/']);
  const { url } = await serve(['--dir', dir, '--access', 'links'], { uid: SERVICE });

  const { stdout: after } = await run(['invite', 'henry', '--dir', dir]);

  expect(await statusWith(url, keyIn(before))).toBe(401);
  expect(await statusWith(url, keyIn(after))).toBe(200);
  expect((await run(['revoke', 'henry', '--dir', dir])).code).toBe(0);
  expect(await statusWith(url, keyIn(after))).toBe(401);
  expect(foreignIn(dir)).toEqual([]);
});

requires('root')('What root’s commands make in the directory of a service belongs to that service', async () => {
  const dir = serviceDirectory();
  const commands = [
    ['send', 'henry', 'hi', '--as', 'jjeong', '--dir', dir],
    ['send', '--new', 'kim', 'hi', '--as', 'jjeong', '--dir', dir],
    ['invite', 'mina', '--dir', dir, '--url', 'http://localhost/'],
    ['people', '--dir', dir],
    ['forget', 'kim', '--dir', dir],
    ['backup', join(dir, '../copy'), '--dir', dir],
  ];

  for (const command of commands) {
    expect([command, (await run(command)).code, foreignIn(dir)]).toEqual([command, 0, []]);
  }
  const byRoot = await serve(['--dir', dir]);
  expect((await fetch(byRoot.url)).status).toBe(200);
  process.kill(byRoot.pid, 'SIGTERM');
  await byRoot.ended;

  expect(foreignIn(dir)).toEqual([]);
  const { url } = await serve(['--dir', dir], { uid: SERVICE });
  expect((await fetch(`${url}readyz`)).status).toBe(200);
  expect(await (await fetch(`${url}history?receiver=henry&sender=jjeong`)).text()).toContain('"hi"');
});

requires('root')('Root, who sends from the directory of a service, is still called root', async () => {
  const dir = serviceDirectory();

  const { code, stdout, stderr } = await run(['send', 'henry', 'hi', '--dir', dir]);

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ sender: 'root', receiver: 'henry' });
});

requires('root')('A program that root hands messages to is the service, and cannot become root again', async () => {
  const dir = serviceDirectory();
  await run(['send', '--new', 'henry', 'hi', '--as', 'jjeong', '--dir', dir]);

  const tail = new Running(['tail', 'henry', '--exec', `touch ${join(dir, 'made')}; id -ru; id -rg`, '--dir', dir]);
  const [, uid, gid] = await tail.printed('stdout', /^(\d+)\n(\d+)\n/);
  tail.child.kill('SIGTERM');

  expect((await tail.ended).code).toBe(0);
  expect([uid, gid]).toEqual([String(SERVICE), String(SERVICE)]);
  expect(foreignIn(dir)).toEqual([]);
});

requires('root')('Mail that comes while root’s migrate connects to the cluster belongs to the service', async () => {
  const dir = serviceDirectory();
  const credentials = join(temporaryDirectory(), 'chat.creds');
  writeFileSync(credentials, '', { mode: 0o600 });
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = `nats://127.0.0.1:${(silent.address() as AddressInfo).port}?creds=${credentials}`;

  const migrating = run(['migrate', '--store', address, '--dir', dir]);
  const [connection] = (await once(silent, 'connection')) as [Socket];
  const sent = await run(['send', '--new', 'kim', 'hi', '--as', 'jjeong', '--dir', dir]);
  const foreign = foreignIn(dir);
  connection.destroy();
  silent.close();

  expect([sent.code, (await migrating).code]).toEqual([0, 78]);
  expect(foreign).toEqual([]);
});
