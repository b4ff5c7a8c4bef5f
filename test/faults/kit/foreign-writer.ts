import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { FOREIGN, type Ledger } from './ledger.ts';
import { tracked } from './server-process.ts';

/** Writes like the prototype, like a shell, and like a program that keeps the file open. */
export type WriterKind = 'php' | 'dash' | 'holder';

export interface ForeignWriterOptions {
  readonly kind: WriterKind;
  readonly mailboxFile: string;
  readonly ledger: Ledger;
  /** Appends so many at full speed, … */
  readonly burst: number;
  /** … then rests for so long. */
  readonly restMs: number;
}

const PHP = `
[$_, $file, $writer, $stop, $burst, $rest] = $argv;
for ($n = 0; !file_exists($stop); $n++) {
  if (file_put_contents($file, "data: $writer:$n\\n\\n", FILE_APPEND | LOCK_EX) === false) exit(1);
  fwrite(STDOUT, "$n\\n");
  if (($n + 1) % $burst === 0) usleep($rest * 1000);
}`;

const DASH = `
file=$1 writer=$2 stop=$3 burst=$4 rest=$5 n=0
while [ ! -e "$stop" ]; do
  printf 'data: %s:%d\\n\\n' "$writer" "$n" >> "$file" || exit 1
  echo "$n"
  n=$((n + 1))
  [ $((n % burst)) -ne 0 ] || sleep "$rest"
done`;

const HOLDER = `
exec 3>> "$1"
writer=$2 stop=$3 burst=$4 rest=$5 n=0
while [ ! -e "$stop" ]; do
  printf 'data: %s:%d\\n\\n' "$writer" "$n" >&3 || exit 1
  echo "$n"
  n=$((n + 1))
  [ $((n % burst)) -ne 0 ] || sleep "$rest"
done`;

let count = 0;

/** Another program that appends to a mailbox file, and reports every append that succeeded. */
export class ForeignWriter {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #stopFile: string;
  readonly #over: Promise<number | null>;
  readonly #read: Promise<void>;

  constructor({ kind, mailboxFile, ledger, burst, restMs }: ForeignWriterOptions) {
    this.name = `${FOREIGN}${kind}${count++}`;
    this.#stopFile = `/tmp/stop-${process.pid}-${this.name}`;
    const rest = kind === 'php' ? `${restMs}` : `${restMs / 1000}`;
    const args = [mailboxFile, this.name, this.#stopFile, `${burst}`, rest];
    this.#child = tracked(
      kind === 'php'
        ? spawn('php', ['-r', PHP, '--', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
        : spawn('dash', ['-c', kind === 'dash' ? DASH : HOLDER, 'dash', ...args], {
            stdio: ['ignore', 'pipe', 'inherit'],
          }),
    );
    this.#over = new Promise((done) => this.#child.once('exit', (code) => done(code)));
    this.#read = this.#readReports(ledger);
  }

  static isPossible(kind: WriterKind): boolean {
    return spawnSync(kind === 'php' ? 'php' : 'dash', kind === 'php' ? ['-v'] : ['-c', ':']).status === 0;
  }

  /** Ends after the append that is under way. All appends are then in the ledger. */
  async stop(): Promise<void> {
    writeFileSync(this.#stopFile, '');
    const code = await this.#over;
    await this.#read;
    rmSync(this.#stopFile, { force: true });
    if (code !== 0) throw new Error(`${this.name} could not append`);
  }

  async #readReports(ledger: Ledger): Promise<void> {
    // It writes first and reports later: the next number may be shown before we know of it.
    ledger.post(this.name, 0);
    for await (const line of createInterface({ input: this.#child.stdout! })) {
      const number = Number(line);
      ledger.accept(`${this.name}:${number}`);
      ledger.post(this.name, number + 1);
    }
  }
}
