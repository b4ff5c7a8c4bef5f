/**
 * Where the server of a directory is reached, in `.access/server.json`, for the commands that are run beside it:
 *
 *     {"url":"http://192.168.1.5:2012/","pid":4711}
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { directoryHash } from '../words/directory-hash.ts';
import { READ, withFile } from '../files/disk.ts';
import { ACCESS } from '../files/mailbox-paths.ts';
import { checkPrivateDirectory, makePrivateDirectory } from '../files/private-directories.ts';
import { replaceFile } from '../files/replace-file.ts';
import type { Logger } from '../words/logger.ts';

const ASK_MS = 1_000;
/** We use only the name and the port: the address is printed to a terminal. */
const Address = z.object({ url: z.url().transform((url) => new URL('/', url)) });

/** Stores the address until this process ends. Of several servers of one directory, the last one to start counts. */
export function keepAddress(dir: string, url: string, logger: Logger): void {
  const path = pathIn(dir);
  const text = `${JSON.stringify({ url, pid: process.pid })}\n`;
  try {
    makePrivateDirectory(join(dir, ACCESS), dir);
    replaceFile(path, text);
  } catch (error) {
    logger.warn({ err: error }, 'the address could not be stored: mailbox-chat invite needs --url'); // a full disk, say
  }
  process.on('exit', () => {
    try {
      if (readFileSync(path, 'utf8') === text) rmSync(path);
    } catch {
      // It is gone, or the disk has failed: nobody answers at this address.
    }
  });
}

/** The address of this directory's server; undefined if none answers: a killed server leaves its address behind. */
export async function serverAddress(dir: string): Promise<string | undefined> {
  try {
    checkPrivateDirectory(join(dir, ACCESS), dir);
    const kept = withFile(pathIn(dir), READ, (fd) => readFileSync(fd, 'utf8'));
    const { url } = Address.parse(JSON.parse(kept));
    const answer = await fetch(new URL('healthz', url), { redirect: 'error', signal: AbortSignal.timeout(ASK_MS) });
    const Health = z.object({ name: z.literal('mailbox-chat'), directoryHash: z.literal([directoryHash(dir), null]) });
    return Health.safeParse(await answer.json()).success ? url.href : undefined;
  } catch {
    return undefined; // no file, nobody there, or somebody else
  }
}

function pathIn(dir: string): string {
  return join(dir, ACCESS, 'server.json');
}
