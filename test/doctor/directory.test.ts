import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { listing } from '../support/directory.ts';
import { requires } from '../support/requires.ts';
import { cleanUp, run, temporaryDirectory } from '../command/running.ts';
import { doctor } from './running.ts';

afterEach(cleanUp);

const NOBODY = 65_534;
const LONG_AGO = new Date('2026-01-02T03:04:05Z');

/** A data directory with one message. */
async function scene() {
  const cwd = temporaryDirectory();
  const dir = join(cwd, 'mailboxes');
  mkdirSync(dir);
  await run(['send', 'henry', 'hi', '--as', 'jjeong'], { cwd });
  return { cwd, dir };
}

test('Finds nothing wrong with healthy mailboxes, and leaves them as they are', async () => {
  const { cwd, dir } = await scene();
  const before = listing(dir);

  const { code, ok, warnings, problems } = await doctor([], { cwd });

  expect({ code, warnings, problems }).toEqual({ code: 0, warnings: [], problems: [] });
  expect(ok).toEqual([
    expect.stringMatching(/^Mailbox Chat \S+ on Node \d+/),
    expect.stringMatching(/^Files can be watched/),
    expect.stringMatching(/^\.\/mailboxes can be written\. Mailboxes: 1\. Free space: \d+ MiB$/),
  ]);
  expect(listing(dir)).toEqual(before);
});

test('Prints the findings as JSON', async () => {
  const { cwd } = await scene();

  const { stdout } = await run(['doctor', '--json'], { cwd });

  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    findings: expect.arrayContaining([{ level: 'ok', what: expect.any(String) }]),
  });
});

test('Reports missing mailboxes as a problem', async () => {
  const { code, problems } = await doctor([], { cwd: temporaryDirectory() });

  expect(code).toBe(1);
  expect(problems).toEqual([expect.stringContaining('There are no mailboxes at ./mailboxes')]);
});

requires('root')('Names a directory that cannot be written, and the user', async () => {
  const { cwd, dir } = await scene();
  for (const path of [cwd, dir, join(dir, '.locks')]) chmodSync(path, 0o755);
  chmodSync(join(dir, '.layout'), 0o644);

  const { code, problems } = await doctor([], { cwd, uid: NOBODY });

  expect(code).toBe(1);
  expect(problems).toContainEqual(
    `./mailboxes cannot be written (EACCES, running as uid ${NOBODY}). ` +
      `Run this as the server's user, or give it the directory: sudo chown -R ${NOBODY} ./mailboxes`,
  );
});

requires('root')('Names a mailbox that its owner cannot write once it was read', async () => {
  const { cwd, dir } = await scene();
  spawnSync('chown', ['-R', `${NOBODY}`, cwd]);
  writeFileSync(join(dir, 'mina.txt'), '');
  chownSync(join(dir, 'mina.txt'), 33, 33);
  chmodSync(join(dir, 'mina.txt'), 0o644);

  const { warnings, problems } = await doctor([], { cwd, uid: NOBODY });

  expect(warnings).toEqual([expect.stringMatching(/mina\.txt belongs to uid 33, .*--group-writable/)]);
  expect(problems).toEqual([expect.stringContaining('mina.txt cannot be read and written by uid 65534')]);
});

requires('unshare')('Says that inotify is used up, and which setting gives more', async () => {
  const { cwd } = await scene();
  const within = (what: string): string[] => [
    'unshare',
    '--user',
    '--map-root-user',
    'sh',
    '-c',
    `echo 0 > /proc/sys/user/max_inotify_${what}; exec "$@"`,
    'sh',
  ];

  const [instances, watches] = await Promise.all(
    ['instances', 'watches'].map((what) => doctor([], { cwd, through: within(what) })),
  );

  expect(instances!.warnings).toContainEqual(
    expect.stringMatching(
      /^Other programs have used up the inotify instances: .* sysctl fs\.inotify\.max_user_instances=\d+/,
    ),
  );
  expect(watches!.warnings).toContainEqual(
    expect.stringMatching(
      /^Other programs have used up the inotify watches: .* sysctl fs\.inotify\.max_user_watches=\d+/,
    ),
  );
});

test('Reports mailboxes that are not regular files, and what they are', async () => {
  const { cwd, dir } = await scene();
  spawnSync('mkfifo', [join(dir, 'fifo.txt')]);
  mkdirSync(join(dir, 'directory.txt'));
  symlinkSync('henry.txt', join(dir, 'link.txt'));
  writeFileSync(join(dir, 'one.txt'), '');
  linkSync(join(dir, 'one.txt'), join(dir, 'other'));

  const { code, problems, warnings } = await doctor([], { cwd });

  expect(code).toBe(1);
  expect(problems.map((line) => line.replace(/, not a regular file.*/, '')).toSorted()).toEqual([
    'mailboxes/directory.txt is a directory',
    'mailboxes/fifo.txt is a FIFO',
    'mailboxes/link.txt is a symbolic link',
    'mailboxes/one.txt has 2 names (hard links)',
  ]);
  expect(warnings).toEqual([]);
});

test('Reports abandoned locks; a lock that is not empty is a problem', async () => {
  const { cwd, dir } = await scene();
  const [mina, kim] = ['mina', 'kim'].map((name) => join(dir, '.locks', `${name}.lock`));
  mkdirSync(mina!);
  mkdirSync(kim!);
  writeFileSync(join(kim!, 'file'), '');
  for (const path of [mina!, kim!]) utimesSync(path, LONG_AGO, LONG_AGO);

  const { code, problems, warnings } = await doctor([], { cwd });

  expect(code).toBe(1);
  expect(warnings).toEqual([expect.stringMatching(/mina\.lock was left by a process .* rmdir/)]);
  expect(problems).toEqual([expect.stringMatching(/kim\.lock was left .* with files in it.*rm -r/)]);
});

test('Reports half a line, and a file whose name is not valid', async () => {
  const { cwd, dir } = await scene();
  const path = join(dir, 'henry.txt');
  appendFileSync(path, 'data: half a li');
  utimesSync(path, LONG_AGO, LONG_AGO);
  writeFileSync(join(dir, 'Mina.txt'), 'data: hi\n\n');

  const { code, warnings, problems } = await doctor([], { cwd });

  expect({ code, problems }).toEqual({ code: 0, problems: [] });
  expect(warnings).toEqual([
    expect.stringMatching(/Mina\.txt is not the mailbox of any valid name: .* Append it to mina\.txt/),
    expect.stringContaining('henry.txt has half a line at its end since 2026-01-02T03:04:05.000Z'),
  ]);
});

requires('root')("Names what root made in another user's directory, and the remedy mends it", async () => {
  const { cwd } = await scene();
  spawnSync('chown', ['-R', `${NOBODY}`, cwd]);
  await run(['invite', 'henry'], { cwd });
  spawnSync('chown', ['-R', '0', join(cwd, 'mailboxes/.access')]); // as after a backup that root restored

  const [asRoot, asServer] = [await doctor([], { cwd }), await doctor([], { cwd, uid: NOBODY })];
  remedy(asRoot.problems[0]!, cwd);
  const after = await doctor([], { cwd, uid: NOBODY });

  const path = 'mailboxes/.access';
  for (const { code, problems } of [asRoot, asServer]) {
    expect({ code, problems }).toEqual({ code: 1, problems: [expect.stringContaining(`${path} cannot be read`)] });
    expect(problems[0]).toMatch(/invitations are answered 503\. sudo chown -R 65534 mailboxes\/\.access/);
  }
  expect(after).toMatchObject({ code: 0, problems: [], warnings: [] });
});

test('Each command that it suggests fixes what it found, even in a path with a space', async () => {
  const cwd = join(temporaryDirectory(), "henry's chat");
  const dir = join(cwd, 'mailboxes');
  mkdirSync(join(dir, '.locks', 'kim.lock'), { recursive: true });
  mkdirSync(join(dir, '.locks', 'mina.lock'));
  writeFileSync(join(dir, '.locks', 'kim.lock', 'file'), '');
  for (const name of ['kim', 'mina']) utimesSync(join(dir, '.locks', `${name}.lock`), LONG_AGO, LONG_AGO);
  spawnSync('mkfifo', [join(dir, 'fifo.txt')]);
  writeFileSync(join(dir, 'one.txt'), 'data: one\n\n');
  linkSync(join(dir, 'one.txt'), join(dir, 'other'));
  writeFileSync(join(dir, 'Mina.txt'), 'data: hi\n\n');

  const { problems, warnings } = await doctor(['--dir', dir]);
  for (const line of [...problems, ...warnings]) remedy(line, cwd);
  const after = await doctor(['--dir', dir]);

  expect(problems).toHaveLength(3);
  expect(warnings).toHaveLength(2);
  expect(after).toMatchObject({ code: 0, problems: [], warnings: [] });
  expect(readFileSync(join(dir, 'one.txt'), 'utf8')).toBe('data: one\n\n');
  expect(readFileSync(join(dir, 'mina.txt'), 'utf8')).toBe('data: hi\n\n');
});

/** Runs the command at the end of a finding, as root would with `sudo`. */
function remedy(line: string, cwd: string): void {
  const command = /(?:chown|mv|cat|rm|rmdir) (?:-R |-r |['./]).*$/.exec(line)?.[0] ?? line;
  expect(spawnSync('sh', ['-c', command], { cwd, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
}

test('Reports a file in place of one of our directories, and a directory with a newer layout', async () => {
  const { cwd, dir } = await scene();
  rmSync(join(dir, '.marks'), { recursive: true, force: true });
  writeFileSync(join(dir, '.marks'), '');
  const file = await doctor([], { cwd });

  writeFileSync(join(dir, '.layout'), '3\n');
  const newer = await doctor([], { cwd });

  expect(file.problems).toEqual([expect.stringMatching(/mailboxes\/\.marks is a file.* mv mailboxes\/\.marks /)]);
  expect(newer.problems).toEqual([expect.stringContaining('has layout 3')]);
});
