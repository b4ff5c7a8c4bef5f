/**
 * Files that messages name:
 *
 *     .files/<sha256>                              the content
 *     .files/.claims/<mailbox>/<sha256>/<claim>    a hard link of it: see claims.ts
 *     .files/new-<random>                          is being stored
 */
import { createHash } from 'node:crypto';
import { renameSync, rmSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MAX_FILE_BYTES, isSha256, notStored, tooLarge, type FileStore, type KeptFile } from '../words/file-store.ts';
import { MailboxError, isErrno } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { Appended, MailboxStore, Message } from '../words/mailbox-store.ts';
import { Slices } from '../words/slices.ts';
import { Claims, type Claim } from './claims.ts';
import { CommitSlots } from './commit-slots.ts';
import { FILE_MODE, makeDirectory, namesIn, randomName, statIfThere, syncDirectoryAsync, writeError } from './disk.ts';
import { FILES } from './mailbox-paths.ts';
import { checkPrivateDirectory } from './private-directories.ts';
import { NEW_FILE } from './replace-file.ts';
import type { StoreContext } from './store-context.ts';

/** What a claim takes on the disk. */
const CLAIM_BYTES = 4096;
/** ext4 allows 65,000 links of a file. If it has so many, the same content is stored once more. */
const MOST_LINKS = 30_000;
/** Large files are synced one at a time, so that messages need not wait for them. */
const SYNCS_AT_ONCE = 1;
/** How much of the newest mail is searched for a file that another program put here. */
const SEARCHED = 1000;
const DRAFT = /^new-[0-9a-f]+$/;

/** Keeps files in a data directory, as long as messages name them. */
export class KeptFiles implements FileStore {
  readonly claims: Claims;
  /** The mail that names the files. */
  readonly mail: Pick<MailboxStore, 'readBack'>;
  readonly #context: StoreContext;
  readonly #dir: string;
  readonly #slots = new CommitSlots(SYNCS_AT_ONCE);
  /** How many bytes all files and claims take, with those that are coming. */
  #bytes = 0;

  /** Removes what a killed process left. */
  constructor(context: StoreContext, mail: Pick<MailboxStore, 'readBack'>) {
    this.#context = context;
    this.#dir = join(context.dir, FILES);
    this.mail = mail;
    this.claims = new Claims(this.#dir);
    for (const name of namesIn(this.#dir)) {
      const path = join(this.#dir, name);
      if (DRAFT.test(name)) rmSync(path, { force: true });
      else if (isSha256(name)) this.#bytes += takenBy(statIfThere(path));
    }
  }

  async put(mailbox: MailboxName, sender: MailboxName, content: AsyncIterable<Buffer>): Promise<KeptFile> {
    const draft = join(this.#dir, `new-${randomName()}`);
    try {
      makeDirectory(this.#dir);
      checkPrivateDirectory(this.#dir, this.#context.dir);
      const { sha256, bytes } = await this.#write(draft, content);
      return { sha256, bytes, path: await this.#keep(draft, bytes, [mailbox, sha256, sender]) };
    } catch (error) {
      throw writeError(error);
    } finally {
      rmSync(draft, { force: true });
    }
  }

  async #write(draft: string, content: AsyncIterable<Buffer>): Promise<{ sha256: string; bytes: number }> {
    const hash = createHash('sha256');
    let bytes = 0;
    const file = await open(draft, NEW_FILE, FILE_MODE);
    try {
      this.#checkQuota();
      for await (const chunk of content) {
        bytes += chunk.length;
        this.#bytes += chunk.length;
        if (bytes > MAX_FILE_BYTES) throw tooLarge();
        this.#checkQuota();
        hash.update(chunk);
        await file.writeFile(chunk);
      }
      await this.#slots.run(() => file.sync());
    } finally {
      this.#bytes -= bytes;
      await file.close();
    }
    return { sha256: hash.digest('hex'), bytes };
  }

  /** Gives a draft a claim, and its name, unless the same content is here already. */
  async #keep(draft: string, bytes: number, who: [MailboxName, string, MailboxName]): Promise<string> {
    const [mailbox, sha256, sender] = who;
    const content = join(this.#dir, sha256);
    const earlier = this.#of(mailbox, sha256, sender).filter(({ id }) => id === '');
    const there = statIfThere(content);
    const isWhole = there?.isFile() === true && there.size === bytes; // another program may still be copying it
    const isThere = isWhole && there.nlink < MOST_LINKS;
    const claim = this.#addUpload(isThere ? content : draft, ...who);
    for (const { path } of earlier) this.drop(sha256, path);
    await syncDirectoryAsync(dirname(claim)); // first, so that a power cut leaves no content without a claim
    if (isThere) return claim;
    this.#bytes += bytes - (statIfThere(content)?.size ?? 0);
    renameSync(draft, content);
    await syncDirectoryAsync(this.#dir);
    return claim;
  }

  async find(mailbox: MailboxName, sha256: string, sender?: MailboxName): Promise<KeptFile | undefined> {
    const claim = this.#firstOf(mailbox, sha256, sender);
    const path = claim?.path ?? (sender === undefined ? await this.#unclaimed(mailbox, sha256) : undefined);
    const stat = path === undefined ? undefined : statIfThere(path);
    return stat?.isFile() ? { sha256, bytes: stat.size, path: path! } : undefined;
  }

  /**
   * A file that another program put here, if it has also written mail that names it. Not one with claims: a hash in mail
   * does not show that its writer may read the file.
   */
  async #unclaimed(mailbox: MailboxName, sha256: string): Promise<string | undefined> {
    const content = join(this.#dir, sha256);
    if (statIfThere(content)?.nlink !== 1) return undefined;
    const { events } = await this.mail.readBack(mailbox, undefined, SEARCHED);
    return events.some(({ foreign, data }) => foreign && data.includes(`"${sha256}"`)) ? content : undefined;
  }

  /** Appends a message, and lets it keep the files that it names. INVALID_MESSAGE if its sender has not stored them. */
  async appendNaming(mailbox: MailboxName, message: Message, append: () => Promise<Appended>): Promise<Appended> {
    const { sender, files } = message;
    if (!files) return append();
    const held: { sha256: string; own: Claim; path: string }[] = [];
    try {
      for (const sha256 of new Set(files.map((file) => file.sha256))) {
        const own = this.#ownClaim(mailbox, sha256, sender);
        // A claim of its own, so that nothing else that this sender does meanwhile can end it.
        held.push({ sha256, own, path: this.#addUpload(own.path, mailbox, sha256, sender) });
      }
      await Promise.all(held.map(({ path }) => syncDirectoryAsync(dirname(path))));
      const appended = await append();
      for (const { sha256, own, path } of held) {
        const { id, data } = appended.event;
        const isNamed = data.includes(`"${sha256}"`); // not if it was sent before, and removed since
        const isClaimed = this.claims.has(mailbox, sha256, id, sender); // it was sent before
        if (isNamed && !isClaimed) this.claims.settle(path, id, sender);
        else this.drop(sha256, path);
        if (isNamed && own.id === '') this.drop(sha256, own.path);
      }
      return appended;
    } catch (error) {
      // The message may be on disk even so. Until that is known, an upload keeps its file: see tidying-files.ts.
      for (const { sha256, own, path } of held) if (own.id === '') this.drop(sha256, path);
      throw writeError(error);
    }
  }

  /** What lets this sender name a file: best an upload, since that is needed no longer then. */
  #ownClaim(mailbox: MailboxName, sha256: string, sender: string): Claim {
    const own = this.#of(mailbox, sha256, sender);
    const claim = own.find(({ id }) => id === '') ?? own[0];
    if (claim) return claim;
    throw notStored(sha256, sender, mailbox);
  }

  #firstOf(mailbox: MailboxName, sha256: string, sender: string | undefined): Claim | undefined {
    for (const claim of this.claims.each(mailbox, sha256)) {
      if (sender === undefined || claim.sender === sender) return claim;
    }
    return undefined;
  }

  #of(mailbox: MailboxName, sha256: string, sender: string): Claim[] {
    return this.claims.of(mailbox, sha256).filter((claim) => claim.sender === sender);
  }

  #addUpload(from: string, mailbox: MailboxName, sha256: string, sender: string): string {
    try {
      const path = this.claims.addUpload(from, mailbox, sha256, sender, this.#context.now());
      this.#bytes += CLAIM_BYTES;
      return path;
    } catch (error) {
      throw isErrno(error, 'EMLINK') ? notStored(sha256, sender, mailbox) : error; // storing it again makes room
    }
  }

  drop(sha256: string, path: string): void {
    const freed = this.claims.drop(sha256, path);
    if (freed !== undefined) this.#bytes -= freed + CLAIM_BYTES;
  }

  /** Lets go of the files of a message that was removed. */
  async release(mailbox: MailboxName, id: string, files: readonly { readonly sha256: string }[]): Promise<void> {
    for (const { sha256 } of files) {
      for (const claim of this.claims.of(mailbox, sha256)) if (claim.id === id) this.drop(sha256, claim.path);
    }
    await syncDirectoryAsync(this.#dir);
  }

  async forget(mailbox: MailboxName): Promise<void> {
    const slices = new Slices();
    for (const sha256 of this.claims.hashes(mailbox)) {
      for (const { path } of this.claims.of(mailbox, sha256)) this.drop(sha256, path);
      await slices.rest();
    }
  }

  #checkQuota(): void {
    if (this.#bytes < this.#context.filesBytes) return;
    const why = 'The files take up all the room that they may.';
    throw new MailboxError('DISK_FULL', `${why} Remove messages with large files, then send this one again.`);
  }
}

/** The bytes of a file and its claims. */
function takenBy(stat: Stats | undefined): number {
  return stat ? stat.size + (stat.nlink - 1) * CLAIM_BYTES : 0;
}
