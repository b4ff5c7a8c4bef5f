import { expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { LONG, longTest, sh, testWithNetworkNamespaces, testWithPrlimit } from './kit/fault-test.ts';
import { Follower } from './kit/follower.ts';
import { FOREIGN, Ledger } from './kit/ledger.ts';
import { ALICE, ALL_WELL, Scene } from './kit/scene.ts';
import { tracked } from './kit/server-process.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../support/until.ts';
import { locksIn } from './kit/world.ts';

const MIB = 1024 * 1024;

/** A proxy that passes on so many bytes of an answer and then cuts the connection. */
function cutter(target: number): Promise<{ server: Server; port: number; cutAfter: (bytes: number) => void }> {
  let limit = Infinity;
  const server = createServer((client) => {
    let left = limit;
    const upstream = connect(target, '127.0.0.1');
    client.pipe(upstream);
    upstream.on('data', (bytes) => {
      client.write(bytes.subarray(0, left));
      left -= bytes.length;
      if (left <= 0) client.end(() => client.destroy());
      if (left <= 0) upstream.destroy();
    });
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  return new Promise((done) =>
    server.listen(0, '127.0.0.1', () =>
      done({ server, port: (server.address() as AddressInfo).port, cutAfter: (bytes) => (limit = bytes) }),
    ),
  );
}

test('gives a client exactly the rest, at whichever byte its connection was cut', async () => {
  const scene = await Scene.open();
  const proxy = await cutter(scene.port);
  try {
    await scene.sender.send(5);
    scene.appendForeign();
    await scene.follow();
    const wrong: object[] = [];

    const step = LONG ? 1 : 3;
    for (let bytes = Math.floor(Math.random() * step); bytes < 1700; bytes += step) {
      proxy.cutAfter(bytes);
      const follower = new Follower({
        mailbox: ALICE,
        port: () => proxy.port,
        awayMs: () => {
          proxy.cutAfter(Infinity);
          return 0;
        },
      });
      await until('the rest', () => scene.ledger.isIn(follower.texts), 10_000, 1);
      await follower.close();
      const verdict = scene.ledger.judge(follower.shown);
      if (Object.values(verdict).flat().length + follower.complaints.length > 0) wrong.push({ bytes, verdict });
    }

    expect(wrong).toEqual([]);
    expect(await scene.judge()).toEqual(ALL_WELL);
  } finally {
    proxy.server.close();
    await scene.clear();
  }
}, 120_000);

test('gives a backlog of 100,000 messages complete and in order, in bounded memory', async () => {
  const scene = await Scene.open();
  try {
    // The cost of the first mail ever is not measured.
    writeFileSync(scene.mailbox, backlog(scene.ledger, 5000, 'first'));
    await scene.follow();
    await scene.follower!.close();
    await scene.drained();
    writeFileSync(scene.mailbox, backlog(scene.ledger, 100_000, 'x'.repeat(100)));
    const before = residentBytes(scene.server.pid);
    let most = before;
    const watching = setInterval(() => (most = Math.max(most, residentBytes(scene.server.pid))), 20);

    await scene.follow({ since: 'all' }).finally(() => clearInterval(watching));

    expect(scene.follower!.shown).toHaveLength(105_000);
    expect(most - before).toBeLessThan(64 * MIB);
    expect(await scene.judge()).toEqual(ALL_WELL);
  } finally {
    await scene.clear();
  }
}, 120_000);

test('keeps little in memory for clients that do not read, serves others, and loses nothing', async () => {
  const readers = 40;
  const scene = await Scene.open();
  try {
    writeFileSync(scene.mailbox, backlog(scene.ledger, 20_000, 'x'.repeat(500)));
    await scene.follow();
    const before = await scene.server.heldBytes();
    const sockets = Array.from({ length: readers }, () => openStream(scene.port, ALICE));
    for (const socket of sockets) socket.pause();
    await scene.sender.send(100);
    await scene.shown();

    expect((await scene.server.heldBytes()) - before).toBeLessThan(readers * 256 * 1024);
    for (const socket of sockets.slice(1)) socket.destroy();
    const text = await readUntil(sockets[0]!, 'bob:99');
    expect([...text.matchAll(/^id: /gm)].length).toBeGreaterThanOrEqual(20_100);
    expect(await scene.judge()).toEqual(ALL_WELL);
  } finally {
    await scene.clear();
  }
}, 120_000);

test('serves others beside 5,000 streams, and ends within 5 s of SIGTERM with exit code 0 and no locks left', async () => {
  const count = LONG ? 5000 : 2000;
  const scene = await Scene.open();
  const sockets: Socket[] = [];
  try {
    let begun = 0;
    let said = 0;
    for (let i = 0; i < count; i += 1) {
      const socket = openStream(scene.port, `person${i % 10}`);
      let text = '';
      socket.on('data', (bytes) => {
        if (text === '') begun += 1;
        const had = text.includes('event: bye');
        text += bytes.toString();
        if (!had && text.includes('event: bye')) said += 1;
      });
      sockets.push(socket);
      if (i % 100 === 99) await until('them to begin', () => begun > i - 200, 30_000, 5);
    }
    await until('all streams', () => begun === count, 60_000);

    await scene.sender.send(3);
    await scene.follow();

    const beganMs = performance.now();
    const exit = await scene.server.terminate();

    expect(exit).toEqual({ code: 0, signal: null });
    expect(performance.now() - beganMs).toBeLessThan(5000);
    await until('all byes', () => said === count, 5000);
    expect(locksIn(scene.dir)).toEqual([]);
  } finally {
    for (const socket of sockets) socket.destroy();
    await scene.clear();
  }
}, 120_000);

testWithPrlimit(
  'survives running out of descriptors, and works again when some are free',
  async () => {
    const scene = new Scene();
    const sockets: Socket[] = [];
    try {
      await scene.start({}, ['prlimit', '--nofile=60:1000']);
      await scene.sender.send(1);
      for (let i = 0; i < 100; i += 1) sockets.push(openStream(scene.port, ALICE));
      const sending = scene.sender.send(5);
      await pause(500); // the shortage lasts a while
      for (const socket of sockets) socket.destroy();

      await sending;

      expect(scene.server.isOver).toBe(false);
      expect(await scene.judge()).toEqual(ALL_WELL);
    } finally {
      for (const socket of sockets) socket.destroy();
      await scene.clear();
    }
  },
  60_000,
);

const testLongWithNetworkNamespaces = LONG ? testWithNetworkNamespaces : longTest;

testLongWithNetworkNamespaces(
  'notices within 60 s that a peer vanished without closing',
  async () => {
    const space = `mailbox${process.pid % 10_000}`;
    const [near, far] = ['10.213.77.1', '10.213.77.2'];
    sh(`ip netns add ${space}`);
    const scene = new Scene({ host: near });
    try {
      sh(`ip link add ${space}a type veth peer name ${space}b netns ${space}`);
      sh(`ip addr add ${near}/30 dev ${space}a && ip link set ${space}a up`);
      sh(`ip -n ${space} addr add ${far}/30 dev ${space}b && ip -n ${space} link set ${space}b up`);
      await scene.start();
      const client = listenFrom(space, near, scene.port);
      await until('the stream', () => connectionsTo(far) === 1, 20_000);

      sh(`ip -n ${space} link set ${space}b down`);
      await until('the end of the stream', () => connectionsTo(far) === 0, 60_000, 200);

      client.kill('SIGKILL');
    } finally {
      await scene.clear();
      sh(`ip netns delete ${space}`);
    }
  },
  120_000,
);

/** A client in another network namespace. Nothing reaches it once its link is down. */
function listenFrom(space: string, host: string, port: number): ChildProcess {
  const script = `
    const socket = require('node:net').connect(${port}, '${host}');
    socket.write('GET /status?receiver=${ALICE} HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n');
    socket.resume();`;
  return tracked(spawn('ip', ['netns', 'exec', space, process.execPath, '-e', script], { stdio: 'inherit' }));
}

function connectionsTo(address: string): number {
  const hex = address
    .split('.')
    .toReversed()
    .map((part) => Number(part).toString(16).padStart(2, '0').toUpperCase());
  const established = new RegExp(`^ *\\d+: [0-9A-F:]+ ${hex.join('')}:[0-9A-F]+ 01 `, 'gm');
  return [...readFileSync('/proc/net/tcp', 'utf8').matchAll(established)].length;
}

function backlog(ledger: Ledger, count: number, more = ''): string {
  let text = '';
  for (let i = 0; i < count; i += 1) {
    const message = ledger.post(`${FOREIGN}bulk${more}`, i);
    ledger.accept(message);
    text += `data: ${message}\n\n`;
  }
  return text;
}

function openStream(port: number, mailbox: string): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(`GET /status?receiver=${mailbox}&since=all HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return socket;
}

function readUntil(socket: Socket, end: string): Promise<string> {
  return new Promise((done) => {
    const parts: string[] = [];
    let tail = '';
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      parts.push(text);
      tail = tail.slice(-100) + text;
      if (!tail.includes(end)) return;
      socket.destroy();
      done(parts.join(''));
    });
    socket.resume();
  });
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}
