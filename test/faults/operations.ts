import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { isClean, type Ledger } from './kit/ledger.ts';
import { ALICE, type Scene } from './kit/scene.ts';
import { changeSecrets, saySecrets, secretsLeft } from './kit/secrets.ts';
import { BIN, ServerProcess, tracked, type ServerOptions } from './kit/server-process.ts';
import { replay, shorten } from './kit/world.ts';
import { namesIn } from '../../src/files/disk.ts';
import { sha256Of } from '../support/files.ts';
import { makeDirectory } from '../support/make-directory.ts';
import { HURRY, forgettable, manyPieces, oldMail, takenHalf, versionOne } from './kit/worlds.ts';

/** Something that the server does with files or sockets, under faults. It is seen only from outside, whatever the layout. */
export interface Operation {
  readonly name: string;
  readonly options?: Partial<ServerOptions>;
  /** Makes what is in the directory before, once. The ledger has the mail in it. */
  readonly world?: (dir: string, ledger: Ledger) => Promise<void>;
  /** Another process on the directory. `first`: started before the one that is struck. `front`: started later; people use it. */
  readonly companion?: 'first' | 'front';
  /** Runs before the faults begin. */
  readonly prepare?: (scene: Scene) => Promise<void>;
  /** Resolves when what it began has ended, or the server is dead. */
  readonly act: (scene: Scene) => Promise<void>;
  /** Resolves to what was wrong apart from the mail in the directory. */
  readonly check?: (scene: Scene) => Promise<string[]>;
  /** The faults begin when the server starts. */
  readonly atStart?: boolean;
  /** Limits a long series of calls to so many. */
  readonly most?: number;
}

/** How long to wait for what comes after idle times, with `HURRY`. */
const A_WHILE_MS = 4000;

/** Runs a command on the directory until it ends or the server is dead. Returns whether it succeeded. */
async function command(scene: Scene, ...args: readonly string[]): Promise<boolean> {
  const child = tracked(spawn(process.execPath, [BIN, ...args, '--dir', scene.dir], { stdio: 'ignore' }));
  const code = await new Promise<number | null>((done) => child.once('exit', (exit) => done(exit)));
  return code === 0;
}

/** Resolves when the mailbox was taken, or the server is dead. The next message waits for all steps of the take. */
async function taken(scene: Scene): Promise<void> {
  await scene.drained();
  await scene.sends(1);
}

const forgotten = new WeakSet<Scene>();
const copies = new WeakMap<Scene, { readonly copy: string; readonly before: Ledger }>();

/** Compares what a server on a finished copy shows with what was accepted before the backup began. */
async function wrongInCopy(scene: Scene): Promise<string[]> {
  const { copy, before } = copies.get(scene) ?? {};
  if (!copy || !before) return [];
  before.alsoPosted(scene.ledger);
  const server = await ServerProcess.start({ dir: copy, command: true });
  const { shown, complaints } = await replay(server.port, ALICE, before, 5000);
  await server.terminate();
  const verdict = before.judge(shown);
  return isClean(verdict) ? complaints : [`in the copy: ${JSON.stringify(shorten(verdict))}`];
}

/** What is wrong in `.files`: a file that a message names is missing, or one is there that nothing keeps. */
function wrongInFiles({ dir, follower }: Scene): Promise<string[]> {
  const files = join(dir, '.files');
  const texts = [...follower!.texts];
  const named = texts.filter((text) => {
    const claims = namesIn(join(files, '.claims', ALICE, sha256Of(text)));
    return claims.length > 0 && claims.every((claim) => /^\d+-\d+(?:\.\d+)?_bob$/.test(claim));
  });
  const kept = namesIn(files).filter((name) => statSync(join(files, name)).nlink === 2);
  const left = namesIn(files).filter((name) => name !== '.claims' && !texts.some((text) => sha256Of(text) === name));
  if (named.length === texts.length && kept.length >= texts.length && left.length === 0) return Promise.resolve([]);
  return Promise.resolve([
    `files of ${texts.length} messages: ${kept.length} kept, ${named.length} claimed, left: ${left.join()}`,
  ]);
}

export const OPERATIONS: readonly Operation[] = [
  {
    name: 'append while the receiver is away',
    prepare: (scene) => scene.sender.send(1),
    act: (scene) => scene.sends(3),
  },
  {
    name: 'append while the receiver listens',
    prepare: async (scene) => {
      await scene.sender.send(1);
      await scene.follow();
    },
    act: async (scene) => {
      await scene.sends(3);
      await taken(scene);
    },
  },
  {
    name: 'send a file',
    prepare: (scene) => {
      scene.sender.attaches = true;
      return scene.sends(1);
    },
    act: (scene) => scene.sends(1),
    check: wrongInFiles,
  },
  {
    name: 'drain',
    prepare: async (scene) => {
      await scene.sender.send(2);
      scene.appendForeign();
      scene.append('nonsense without a field\n\n');
      scene.appendForeign();
    },
    act: async (scene) => {
      const following = scene.follow();
      await scene.sends(1);
      await following;
      await taken(scene);
    },
  },
  {
    name: 'finish what a dead server took',
    world: takenHalf,
    atStart: true,
    most: 40,
    act: async (scene) => {
      scene.appendForeign();
      await scene.sends(1);
    },
  },
  {
    name: 'late mail',
    prepare: async (scene) => {
      await scene.sender.send(2);
      scene.holdMailbox();
      await scene.follow();
      await scene.drained();
    },
    act: async (scene) => {
      scene.letGoOfMailbox();
      await scene.shown();
    },
  },
  {
    name: 'retire',
    options: HURRY,
    most: 20, // it looks up who has the file open, with thousands of calls
    prepare: async (scene) => {
      await scene.sender.send(2);
      scene.holdMailbox();
      await scene.follow();
      await scene.drained();
      scene.letGoOfMailbox();
      await scene.shown();
    },
    act: (scene) => scene.idle(A_WHILE_MS),
  },
  {
    name: 'merge',
    options: HURRY,
    world: manyPieces,
    most: 40,
    prepare: (scene) => scene.sender.send(1),
    act: async (scene) => {
      await scene.follow();
      await scene.idle(A_WHILE_MS);
    },
  },
  {
    name: 'drop old mail',
    options: { ...HURRY, args: ['--keep-days', '1'] },
    world: oldMail,
    atStart: true,
    most: 40,
    act: async (scene) => {
      await scene.sends(1);
      await scene.idle(A_WHILE_MS);
    },
  },
  {
    name: 'mark',
    prepare: async (scene) => {
      await scene.sender.send(1);
      await scene.follow();
    },
    act: async (scene) => {
      const id = scene.follower!.cursor!;
      await scene.until('the receipt is accepted', async () => (await scene.receipt(id)) === 204);
      await scene.idle(500); // it is written a little later
    },
  },
  {
    name: 'forget',
    world: forgettable,
    act: async (scene) => {
      if (await command(scene, 'forget', ALICE)) forgotten.add(scene);
    },
    check: (scene) => {
      const shown = [...scene.follower!.texts].filter((text) => text.startsWith('earlier'));
      return Promise.resolve(forgotten.has(scene) ? shown.map((text) => `forgotten, and shown: ${text}`) : []);
    },
  },
  {
    name: 'edit and remove',
    most: 40,
    prepare: saySecrets,
    act: changeSecrets,
    check: secretsLeft,
  },
  {
    name: 'back up',
    prepare: async (scene) => {
      await scene.sender.send(2);
      await replay(scene.port, ALICE, scene.ledger);
      await scene.sender.send(2);
      scene.appendForeign();
    },
    act: async (scene) => {
      const copy = join(makeDirectory(), 'copy');
      const before = scene.ledger.upToNow();
      if (await command(scene, 'backup', copy)) copies.set(scene, { copy, before });
    },
    check: wrongInCopy,
  },
  {
    name: 'start',
    atStart: true,
    options: HURRY,
    most: 40,
    prepare: async (scene) => {
      await scene.sender.send(2);
      scene.holdMailbox();
      await scene.follow();
      await scene.sender.send(1);
      await scene.server.kill();
      scene.letGoOfMailbox();
      scene.appendForeign();
      await scene.start({ hold: true });
    },
    act: (scene) => scene.sends(1),
  },
  {
    name: 'read on what version 1 left',
    world: versionOne,
    atStart: true,
    act: (scene) => scene.sends(1),
  },
  {
    name: 'pass on to the owner',
    companion: 'first',
    prepare: (scene) => scene.sender.send(1),
    act: async (scene) => {
      const following = scene.follow();
      await scene.sends(2);
      await following;
    },
  },
  {
    name: 'append for a process that passes on',
    companion: 'front',
    prepare: async (scene) => {
      await scene.sender.send(1);
      await scene.follow();
    },
    act: async (scene) => {
      await scene.sends(2);
      await taken(scene);
    },
  },
  {
    name: 'take over',
    companion: 'first',
    prepare: async (scene) => {
      await scene.sender.send(1);
      await scene.follow();
    },
    act: async (scene) => {
      await scene.companion!.kill();
      await scene.sends(1);
      await scene.shown();
    },
  },
];
