import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterThisTest } from './after-this-test.ts';
import { temporaryDirectory } from './directory.ts';
import { until } from './until.ts';

export interface Proxy {
  readonly url: string;
  /** Ends it and all its connections at once. */
  readonly kill: () => Promise<void>;
  /** Starts it again at the same address. */
  readonly startAgain: () => Promise<void>;
}

/** A port that was free a moment ago, for configuration files, which must name one. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Replaces port 80, and port 2012 of the chat, by these loopback ports in a configuration. */
export function onPorts(settings: string, { port, chatPort }: { port: number; chatPort: number }): string {
  return settings
    .replaceAll('127.0.0.1:2012', `127.0.0.1:${chatPort}`)
    .replace(/\blisten 80\b/, `listen 127.0.0.1:${port}`)
    .replace(/^:80\b/m, `:${port}`);
}

/** nginx with these servers; all its other settings are unchanged. */
export async function startNginx(port: number, servers: string): Promise<Proxy> {
  const dir = temporaryDirectory();
  mkdirSync(join(dir, 'logs'));
  const path = join(dir, 'nginx.conf');
  // Only the paths it writes to are changed; everything else is nginx's default.
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${dir}/${name};`,
  );
  writeFileSync(path, `user root; pid ${dir}/pid; events {} http { access_log off; ${places.join(' ')}\n${servers}\n}`);
  return start(port, 'nginx', ['-p', dir, '-c', path, '-e', join(dir, 'error.log'), '-g', 'daemon off;'], dir);
}

/** Caddy with this configuration file, and without its admin port. */
export async function startCaddy(port: number, caddyfile: string): Promise<Proxy> {
  const dir = temporaryDirectory();
  const path = join(dir, 'Caddyfile');
  writeFileSync(path, `{\n\tadmin off\n\tdefault_bind 127.0.0.1\n}\n${caddyfile}`);
  return start(port, 'caddy', ['run', '--adapter', 'caddyfile', '--config', path], dir);
}

async function start(port: number, program: string, args: readonly string[], dir: string): Promise<Proxy> {
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess;
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    process.kill(-child.pid!, 'SIGKILL'); // with its workers
    await ended;
  };
  const startAgain = async (): Promise<void> => {
    child = spawn(program, args, {
      detached: true,
      stdio: 'ignore',
      env: { ...process.env, HOME: dir, XDG_DATA_HOME: dir },
    });
    await until(program, async () => {
      if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
      return fetch(url).then(
        () => true,
        () => false,
      );
    });
  };
  afterThisTest(kill);
  await startAgain();
  return { url, kill, startAgain };
}
