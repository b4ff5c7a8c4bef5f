import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inTime, until } from './until.ts';
import { makeDirectory } from './make-directory.ts';

/** The path of nats-server: `NATS_SERVER`, or on the PATH. Without one, jest.config.js leaves out these tests. */
const PROGRAM = process.env['NATS_SERVER'] ?? 'nats-server';

/** A NATS server with JetStream, on a free port of loopback. */
export class NatsServer {
  readonly dir: string;
  /** `nats://…` */
  readonly url: string;
  /** `http://…` */
  readonly monitor: string;
  readonly #process: ChildProcess;

  private constructor(dir: string, url: string, monitor: string, process: ChildProcess) {
    this.dir = dir;
    this.url = url;
    this.monitor = monitor;
    this.#process = process;
  }

  /** `sync`: the value of `sync_interval`; `more`: more lines of the configuration. */
  static async start({ sync = 'always', more = '' } = {}): Promise<NatsServer> {
    const dir = makeDirectory();
    const config = join(dir, 'nats.conf');
    writeFileSync(
      config,
      `server_name: n1
       listen: "127.0.0.1:-1"
       http: "127.0.0.1:-1"
       ports_file_dir: "${dir}"
       jetstream { store_dir: "${dir}", sync_interval: ${sync}, max_file_store: 4G }
       ${more}`,
    );
    const child = spawn(PROGRAM, ['--config', config], { stdio: 'ignore' });
    child.unref();
    const [error] = await Promise.race([once(child, 'spawn'), once(child, 'error')]);
    if (error) throw error;
    const { nats, monitoring } = await until('the ports of nats-server', () => portsIn(dir));
    return new NatsServer(dir, nats[0]!, monitoring[0]!, child);
  }

  /** Stops the process; resolves when every thread has stopped. The server then answers nothing, but keeps its connections. */
  async freeze(): Promise<void> {
    this.#process.kill('SIGSTOP');
    const tasks = `/proc/${this.#process.pid}/task`;
    const isStopped = (task: string): boolean => /^State:\s+T/m.test(readFileSync(join(tasks, task, 'status'), 'utf8'));
    await until('nats-server to stand still', () => readdirSync(tasks).every(isStopped));
  }

  thaw(): void {
    this.#process.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      const exited = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await inTime('the end of nats-server', exited);
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

interface Ports {
  readonly nats: readonly string[];
  readonly monitoring: readonly string[];
}

/** Undefined while the server is still writing them. */
function portsIn(dir: string): Ports | undefined {
  const file = readdirSync(dir).find((name) => name.endsWith('.ports'));
  const text = file === undefined ? '' : readFileSync(join(dir, file), 'utf8');
  return text.endsWith('}') ? (JSON.parse(text) as Ports) : undefined;
}
