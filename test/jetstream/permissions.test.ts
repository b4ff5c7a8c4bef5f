import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { JetStreamMailboxes } from '../../src/jetstream/index.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { NatsServer } from '../support/nats-server.ts';
import { Listener, appendAll, henry, letter, readAll, textsOf } from '../support/store-mail.ts';
import { inTime, until } from '../support/until.ts';

/** The block in the docs that begins with this line. */
function documented(beginning: string): string {
  const text = readFileSync(join(PACKAGE_DIR, 'docs/scaling.md'), 'utf8');
  return new RegExp(`^\`\`\`\n(${beginning}[^]*?)\`\`\``, 'm').exec(text)![1]!;
}

test('the permissions in the docs are enough for a chat server', async () => {
  const server = await NatsServer.start({ more: documented('authorization') });
  afterThisTest(() => server.stop());
  const open = async (): Promise<JetStreamMailboxes> => {
    const servers = server.url.replace('//', '//chat:secret@');
    const [monitors, allow] = [[server.monitor], ['fewer-replicas'] as const];
    const store = await JetStreamMailboxes.open({ servers, shards: 1, replicas: 1, monitors, allow });
    afterThisTest(() => store.close());
    return store;
  };
  const [here, there] = [await open(), await open()];

  const listener = await Listener.open(here);
  const [event] = await appendAll(there, ['hi']);
  expect(await inTime('a hint', listener.next())).toEqual(event);
  expect((await there.append(henry, letter('again', { key: 'k' }))).repeated).toBe(false);
  expect((await here.append(henry, letter('again', { key: 'k' }))).repeated).toBe(true);
  await here.mark(henry, 'delivered', event!.id);
  await until('the mark', async () => (await there.marks(henry))['delivered'] === event!.id);
  expect((await there.readBack(henry)).events).toHaveLength(2);
  here.live.listen('presence:henry', () => undefined);
  there.live.arrive('henry');
  await until('henry is seen', () => here.live.presence('henry').online);
  expect(await here.live.ask('henry')).toMatchObject({ online: true });
  await there.ready();
  await there.forget(henry);
  expect(textsOf(await readAll(here))).toEqual([]);
});
