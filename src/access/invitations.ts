/**
 * Who was invited, in `.access/people.json`. Keys are kept as SHA-256 only: whoever reads the file cannot get in.
 *
 *     {"henry":{"key":"9f86d0…","since":"2026-11-20T01:02:03.000Z"}}
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isMailboxName, type MailboxName } from '../words/mailbox-name.ts';
import { ACCESS } from '../files/mailbox-paths.ts';
import { checkPrivateDirectory } from '../files/private-directories.ts';
import { replaceFile } from '../files/replace-file.ts';
import { withLock } from './with-lock.ts';

const Invitation = z.object({ key: z.string(), since: z.string() });
type Entry = [MailboxName, z.infer<typeof Invitation>];
type Invited = ReadonlyMap<Entry[0], Entry[1]>;

const KEY_BYTES = 24;

/** The invitations of one data directory. Changes by other processes are seen at the next question. */
export class Invitations {
  readonly #path: string;
  readonly #check: () => void;
  #known: Invited = new Map();
  #personByHash: ReadonlyMap<string, MailboxName> = new Map();
  #version = '';

  constructor(dir: string) {
    this.#path = join(dir, ACCESS, 'people.json');
    this.#check = (): void => checkPrivateDirectory(join(dir, ACCESS), dir);
  }

  /** Makes a new key (192 bits) for a person; one they had before ends. */
  invite(person: MailboxName): string {
    const key = randomBytes(KEY_BYTES).toString('base64url');
    this.#change((invited) => invited.set(person, { key: hashOf(key), since: new Date().toISOString() }));
    return key;
  }

  /** False when the person was not invited. */
  revoke(person: MailboxName): boolean {
    return this.#read().has(person) && this.#change((invited) => invited.delete(person));
  }

  people(): MailboxName[] {
    return [...this.#read().keys()];
  }

  /** Whose key this is, by the last look at the file. Comparing hashes tells nothing about keys by the time it takes. */
  personOf(key: string): MailboxName | undefined {
    return this.#personByHash.get(hashOf(key));
  }

  /** Looks at the file. As long as this is the same, so are the answers. */
  get version(): string {
    this.#read();
    return this.#version;
  }

  /** MAILBOX_UNUSABLE when the file may be somebody else's. */
  #read(): Invited {
    this.#check();
    const stats = statSync(this.#path, { throwIfNoEntry: false });
    const version = stats ? `${stats.mtimeMs} ${stats.size} ${stats.ino}` : '';
    if (version !== this.#version) {
      this.#known = stats?.isFile() ? invitedIn(readFileSync(this.#path, 'utf8')) : new Map(); // a FIFO would never end
      this.#personByHash = new Map(Array.from(this.#known, ([person, { key }]) => [key, person]));
      this.#version = version;
    }
    return this.#known;
  }

  /** Under a lock: what another process writes between our look and our write would be undone. */
  #change<T>(change: (invited: Map<Entry[0], Entry[1]>) => T): T {
    this.#check();
    return withLock(`${this.#path}.lock`, () => {
      const invited = new Map(this.#read());
      const result = change(invited);
      replaceFile(this.#path, `${JSON.stringify(Object.fromEntries(invited), undefined, 2)}\n`);
      return result;
    });
  }
}

/** Entry by entry: somebody may be called `constructor` or `__proto__`. A damaged one is left out. */
function invitedIn(json: string): Invited {
  const entries = Object.entries(Object(JSON.parse(json)) as object);
  return new Map(
    entries.filter((entry): entry is Entry => isMailboxName(entry[0]) && Invitation.safeParse(entry[1]).success),
  );
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
