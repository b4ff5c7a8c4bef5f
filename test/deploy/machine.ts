import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { chromiumPath } from '../support/machine.ts';
import { until } from '../support/until.ts';
import { makeDirectory, removeDirectory } from '../support/make-directory.ts';

const SCRIPT = fileURLToPath(new URL('machine.sh', import.meta.url));
const NAMESPACES = ['--mount', '--pid', '--uts', '--ipc', '--net', '--cgroup'];
/** Where the package is on the machine. */
const PACKAGE = '/usr/src/mailbox-chat';

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A small machine with systemd and its own network, in namespaces: nothing that is done on it affects this computer. */
export class Machine {
  readonly #dir: string;
  readonly #init: number;
  readonly #end: () => Promise<void>;

  private constructor(dir: string, init: number, end: () => Promise<void>) {
    this.#dir = dir;
    this.#init = init;
    this.#end = end;
  }

  /** Resolves when systemd has started. */
  static async boot(): Promise<Machine> {
    const dir = makeDirectory();
    const args = [...NAMESPACES, '--fork', '--kill-child', '--propagation', 'private'];
    const unshare = spawn('unshare', [...args, 'sh', SCRIPT, dir, PACKAGE_DIR, process.execPath], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaints = '';
    unshare.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
    const ended = once(unshare, 'exit');
    const end = async (): Promise<void> => {
      unshare.kill('SIGKILL');
      await ended;
      await removeDirectory(dir);
    };
    try {
      const init = await until('the first process', () => {
        if (unshare.exitCode !== null) throw new Error(`The machine did not start: ${complaints}`);
        return childOf(unshare.pid!);
      });
      const machine = new Machine(dir, init, end);
      await until('systemd', async () => {
        if (unshare.exitCode !== null) throw new Error(`The machine did not start: ${complaints}`);
        return /^(?:running|degraded)$/m.test((await machine.try('systemctl is-system-running')).stdout);
      });
      return machine;
    } catch (error) {
      await end();
      throw error;
    }
  }

  /**
   * Runs a script as root, in the directory of the package. Resolves to its stdout; rejects if it fails.
   */
  async run(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.try(script);
    if (code !== 0) throw new Error(`${script}\n${stdout}${stderr}`);
    return stdout;
  }

  /** The same for a script that may fail. */
  try(script: string): Promise<Output> {
    return this.#enter([...NAMESPACES], script);
  }

  /** Runs something that needs this computer's network, to install packages. */
  async runOnline(script: string): Promise<void> {
    const others = NAMESPACES.filter((each) => each !== '--net');
    const { code, stdout, stderr } = await this.#enter(others, script);
    if (code !== 0) throw new Error(`${script}\n${stdout}${stderr}`);
  }

  /** A program that runs Chromium in the machine's network. */
  browser(): string {
    const path = join(this.#dir, 'chromium');
    writeFileSync(path, `#!/bin/sh\nexec nsenter --target ${this.#init} --net -- '${chromiumPath()}' "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  stop(): Promise<void> {
    return this.#end();
  }

  #enter(namespaces: readonly string[], script: string): Promise<Output> {
    const args = [
      '--target',
      String(this.#init),
      ...namespaces,
      '--root',
      '--wd',
      'sh',
      '-ec',
      `cd ${PACKAGE}\n${script}`,
    ];
    const env = {
      ...process.env,
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      npm_config_prefer_offline: 'true',
    };
    return new Promise((resolve) => {
      execFile('nsenter', args, { env }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
      );
    });
  }
}

function childOf(pid: number): number | undefined {
  const child = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0];
  return child ? Number(child) : undefined;
}
