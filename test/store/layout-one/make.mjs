/**
 * Makes directories of version 1 with the code of version 1.0.0, puts them here, and records what that code reads in them:
 *
 *     git worktree add /tmp/v1 v1.0.0 && cd /tmp/v1 && npm ci && npm run build
 *     node test/store/layout-one/make.mjs /tmp/v1
 *
 * Each <state>.json has the `files` (text; null for a directory) and, by mailbox, the events that version 1 gave.
 */
import {
  appendFileSync,
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';

const old = (file) => import(resolve(process.argv[2], 'dist', file));
const { FileMailboxes } = await old('files/file-mailboxes.js');
const { takeMailbox } = await old('files/takes.js');
const { Invitations } = await old('access/invitations.js');
const { mailboxName } = await old('mailbox-name.js');

const [henry, lobby] = [mailboxName('henry'), mailboxName('room.lobby')];
const START = Date.UTC(2026, 10, 20);
/** Foreign mail in every form, with text between that is no mail. */
const FOREIGN =
  'data: from a script\n\n: a comment\n\nevent: alert\r\ndata: two\r\ndata: lines\r\n\r\nnonsense\n\n\ufeffdata:한글\n\n';

class Stage {
  dir = mkdtempSync(join(tmpdir(), 'layout-one-'));
  now = START;
  #count = 0;

  open(options = {}) {
    return new FileMailboxes(this.dir, { watch: false, now: () => (this.now += 1), ...options });
  }

  async with(work, options) {
    const store = this.open(options);
    try {
      await work(store);
    } finally {
      await store.close();
    }
  }

  async send(store, count, mailbox = henry) {
    for (let i = 0; i < count; i += 1) {
      const n = (this.#count += 1);
      const key = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
      await store.append(mailbox, { sender: mailboxName('jjeong'), receiver: mailbox, message: `안녕 "${n}"\n`, key });
    }
  }

  file(name = 'henry.txt') {
    return join(this.dir, name);
  }

  foreign(text = FOREIGN, name = 'henry.txt') {
    appendFileSync(this.file(name), text);
  }
}

const listens = async (store, mailbox = henry) => void (await store.watch(mailbox, () => undefined));
const drains = (store) => store.read(henry, undefined, 1);

/** All ids here have the same length. */
function newestSegment(stage) {
  return `.delivered/henry/${readdirSync(stage.file('.delivered/henry')).toSorted().at(-1)}`;
}

const STATES = {
  async waiting(stage) {
    await stage.with(async (store) => {
      await stage.send(store, 2);
      stage.foreign();
      await stage.send(store, 1);
    });
    stage.foreign('data: lines without a blank one\n');
  },
  async received(stage) {
    await stage.with(async (store) => {
      await listens(store);
      await stage.send(store, 2);
      stage.foreign();
      await drains(store);
      await stage.send(store, 2);
      const { newest } = await store.ends(henry);
      await store.mark(henry, 'delivered', newest);
      await store.mark(henry, 'read:jjeong', newest);
    });
    new Invitations(stage.dir).invite(henry);
  },
  /** The server was killed between the take and the log. */
  async taken(stage) {
    await stage.with(async (store) => {
      await listens(store);
      await stage.send(store, 1);
    });
    await stage.with((store) => stage.send(store, 2));
    for (const text of ['data: first\n\n', 'data: second\n\ndata: half']) {
      stage.foreign(text);
      takeMailbox(stage.file(), stage.file('.taken/henry'), statSync(stage.file()));
    }
    stage.foreign('data: third\n\n');
  },
  /** A program kept the mailbox open, and went on writing after the server had ended. */
  async 'open for long'(stage) {
    await stage.with((store) => stage.send(store, 1));
    const fd = openSync(stage.file(), 'a');
    await stage.with(async (store) => {
      await drains(store);
      writeSync(fd, 'data: in time\n\n');
      await drains(store);
      await listens(store);
      await stage.send(store, 1);
    });
    writeSync(fd, 'data: too late for it\n\ndata: unfinished');
    closeSync(fd);
  },
  async rotated(stage) {
    const options = { segmentBytes: 400, keepMs: 1 };
    await stage.with(async (store) => {
      await listens(store);
      for (let i = 0; i < 4; i += 1) {
        await stage.send(store, 2);
        stage.foreign();
        await drains(store);
      }
    }, options);
    const [oldest, next] = readdirSync(stage.file('.delivered/henry')).toSorted();
    if (!next) throw new Error('not rotated');
    rmSync(stage.file(`.delivered/henry/${oldest}`)); // as retention does
  },
  /** The server was killed between making the next segment and writing its first batch, while a take was kept. */
  async 'empty segment'(stage) {
    await stage.with((store) => stage.send(store, 3));
    const fd = openSync(stage.file(), 'a');
    await stage.with(
      async (store) => {
        await listens(store);
        await stage.send(store, 1);
      },
      { segmentBytes: 400 },
    );
    closeSync(fd);
    truncateSync(stage.file(newestSegment(stage)), 0);
  },
  async torn(stage) {
    await stage.with(async (store) => {
      await listens(store);
      await stage.send(store, 3);
    });
    const segment = stage.file(newestSegment(stage));
    truncateSync(segment, statSync(segment).size - 9);
    await stage.with((store) => stage.send(store, 1));
    stage.foreign('\n\nid: 1795132800009-0\ndata: {"sender":"jjeong","receiver":"henry","mess');
    await stage.with((store) => stage.send(store, 1));
    stage.foreign('\n\nid: 1795132800010-0\ndata: {"send');
  },
  /** A server that had been stopped wrote into the file what was already in the log. */
  async doubled(stage) {
    await stage.with((store) => stage.send(store, 2));
    const text = readFileSync(stage.file(), 'utf8');
    await stage.with(async (store) => {
      await drains(store);
      await stage.send(store, 1);
    });
    stage.foreign(text);
    stage.foreign();
  },
  async rooms(stage) {
    await stage.with(async (store) => {
      await listens(store, lobby);
      await stage.send(store, 2, lobby);
      await stage.send(store, 1);
    });
    stage.foreign(FOREIGN, 'room.lobby.txt');
    stage.foreign(FOREIGN, 'only.foreign.txt');
  },
};

function filesIn(dir) {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries
      .filter((entry) => !entry.parentPath.includes('.locks'))
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [relative(dir, path), entry.isDirectory() ? null : readFileSync(path, 'utf8')];
      })
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** What a client reads after the server was started again, and 5 s after that. */
async function readBy(dir, now) {
  const copy = mkdtempSync(join(tmpdir(), 'layout-one-'));
  cpSync(dir, copy, { recursive: true });
  let uptimeMs = 0;
  const store = new FileMailboxes(copy, { watch: false, now: () => now, uptimeMs: () => uptimeMs });
  const names = [
    ...new Set(
      Object.keys(filesIn(dir)).flatMap((path) => /^(?:\.\w+\/)?([^./][^/]*?)(?:\.txt)?(?:\/|$)/.exec(path)?.[1] ?? []),
    ),
  ];
  const read = {};
  for (const name of names.filter((name) => !name.endsWith('.json'))) {
    for (let look = 0; look < 3; look += 1, uptimeMs += 6000) await store.read(mailboxName(name), undefined, 1);
    const { oldest, newest } = await store.ends(mailboxName(name));
    const events = [];
    for (let after = oldest; ; after = events.at(-1).id) {
      const batch = await store.read(mailboxName(name), after);
      if (batch.events.length === 0) break;
      events.push(...batch.events);
    }
    read[name] = { oldest, newest, events, marks: await store.marks(mailboxName(name)) };
  }
  await store.close();
  rmSync(copy, { recursive: true });
  return read;
}

for (const [name, make] of Object.entries(STATES)) {
  const stage = new Stage();
  await make(stage);
  const now = stage.now + 1000;
  const state = { now, files: filesIn(stage.dir), read: await readBy(stage.dir, now) };
  writeFileSync(join(import.meta.dirname, `${name.replaceAll(' ', '-')}.json`), `${JSON.stringify(state, null, 2)}\n`);
  rmSync(stage.dir, { recursive: true });
}
