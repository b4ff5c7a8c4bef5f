import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterThisTest } from '../../support/after-this-test.ts';
import { inTime } from '../../support/until.ts';

/** A program that opens a mailbox and appends each line that it is given; it answers each with `done`. */
export class LateWriter {
  readonly #say: (text: string) => Promise<void>;

  constructor(program: string, ...args: readonly string[]) {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stdin.on('error', () => undefined); // it may already have ended
    const closed = new Promise((resolve) => child.once('close', resolve));
    afterThisTest(async () => {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL');
      await closed;
    });
    this.#say = async (text) => {
      child.stdin.write(`${text}\n`);
      const { value } = (await inTime(`${program} to append`, lines.next())) as { value?: string };
      if (value !== 'done') throw new Error(`${program} said ${value}`);
    };
  }

  append(text: string): Promise<void> {
    return this.#say(text);
  }
}

const KEEPS_OPEN = `exec 9>> "$1"; while read -r text; do printf '\\n\\ndata: %s\\n\\n' "$text" >&9; echo done; done`;

/** It belongs to another user, whose files we may only read. */
export function asRoot(dir: string, name: string): LateWriter {
  return new LateWriter('sh', '-c', `umask 022; ${KEEPS_OPEN}`, 'sh', `${dir}/${name}.txt`);
}

/** The directory has a second mount, in another mount namespace; the writer opens the mailbox through that. */
export function throughBindMount(dir: string, place: string, name: string): LateWriter {
  const script = `mount --bind "$2" "$3" && set -- "$3/$1" && ${KEEPS_OPEN}`;
  return new LateWriter('unshare', '--mount', 'sh', '-c', script, 'sh', `${name}.txt`, dir, place);
}

/** For the writer, the directory is the root. */
export function inChroot(dir: string, name: string): LateWriter {
  const program = `
    chroot $ARGV[0] or die; chdir '/'; open(my $file, '>>', "/$ARGV[1]") or die; $| = 1; $file->autoflush(1);
    while (my $text = <STDIN>) { chomp $text; print $file "\\n\\ndata: $text\\n\\n"; print "done\\n"; }`;
  return new LateWriter('perl', '-MIO::Handle', '-e', program, dir, `${name}.txt`);
}

/** A thread that goes on after the first thread of its process has ended. */
export function fromThread(dir: string, name: string): LateWriter {
  const program = `
import ctypes, os, sys, threading
def write():
    file = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for text in sys.stdin:
        os.write(file, b'\\n\\ndata: ' + text.strip().encode() + b'\\n\\n')
        print('done', flush=True)
    os._exit(0)
threading.Thread(target=write).start()
ctypes.CDLL(None).pthread_exit(None)`;
  return new LateWriter('python3', '-c', program, `${dir}/${name}.txt`);
}
