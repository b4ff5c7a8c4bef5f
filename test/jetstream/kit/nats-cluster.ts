import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { freePort, tracked } from '../../faults/kit/server-process.ts';
import { until } from '../../support/until.ts';
import { makeDirectory } from '../../support/make-directory.ts';

const PROGRAM = process.env['NATS_SERVER'] ?? 'nats-server';

/** One server of a cluster, which can be killed, paused, and restarted on its disk. */
export class NatsNode {
  readonly name: string;
  readonly port: number;
  readonly monitor: string;
  readonly #config: string;
  #process: ChildProcess | undefined;

  constructor(name: string, port: number, monitor: string, config: string) {
    this.name = name;
    this.port = port;
    this.monitor = monitor;
    this.#config = config;
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  start(): void {
    this.#process = tracked(spawn(PROGRAM, ['--config', this.#config], { stdio: 'ignore' }));
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(this.pid, name);
  }

  async isHealthy(): Promise<boolean> {
    try {
      return (await fetch(`${this.monitor}/healthz`, { signal: AbortSignal.timeout(500) })).ok;
    } catch {
      return false;
    }
  }
}

/** Three NATS servers on loopback, each with its own directory. */
export class NatsCluster {
  readonly nodes: readonly NatsNode[];
  readonly #dir: string;
  #connection: NatsConnection | undefined;
  #manager: JetStreamManager | undefined;

  private constructor(dir: string, nodes: readonly NatsNode[]) {
    this.#dir = dir;
    this.nodes = nodes;
  }

  static async start(names: readonly string[] = ['n1', 'n2', 'n3']): Promise<NatsCluster> {
    const dir = makeDirectory();
    const routes: number[] = [];
    for (const _ of names) routes.push(await freePort());
    const nodes: NatsNode[] = [];
    for (const [i, name] of names.entries()) {
      const [port, monitor] = [await freePort(), await freePort()];
      const config = join(dir, `${name}.conf`);
      mkdirSync(join(dir, name));
      writeFileSync(
        config,
        `server_name: ${name}
         listen: "127.0.0.1:${port}"
         http: "127.0.0.1:${monitor}"
         jetstream { store_dir: "${join(dir, name)}", sync_interval: always, max_file_store: 4G }
         cluster {
           name: soak
           listen: "127.0.0.1:${routes[i]}"
           no_advertise: true # clients come through a proxy, and stay there
           routes: [${routes.map((route) => `"nats://127.0.0.1:${route}"`).join(', ')}]
         }`,
      );
      nodes.push(new NatsNode(name, port, `http://127.0.0.1:${monitor}`, config));
    }
    const cluster = new NatsCluster(dir, nodes);
    for (const node of nodes) node.start();
    await cluster.healthy();
    return cluster;
  }

  /** Resolves when every server is up to date. */
  async healthy(): Promise<void> {
    const all = async () => (await Promise.all(this.nodes.map((node) => node.isHealthy()))).every(Boolean);
    await until('a healthy cluster', all, 90_000, 200);
  }

  /** The server that leads a stream; undefined during an election. */
  async leaderOf(stream: string): Promise<NatsNode | undefined> {
    this.#connection ??= await connect({
      servers: this.nodes.map(({ port }) => `127.0.0.1:${port}`),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      pingInterval: 1000,
    });
    this.#manager ??= await jetstreamManager(this.#connection, { checkAPI: false, timeout: 2000 });
    const info = await this.#manager.streams.info(stream).catch(() => undefined);
    return this.nodes.find(({ name }) => name === info?.cluster?.leader);
  }

  async stop(): Promise<void> {
    await this.#connection?.close();
    await Promise.all(this.nodes.map((node) => node.kill()));
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
