import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Notice } from '../../../src/words/live.ts';
import type { MailboxStore } from '../../../src/words/mailbox-store.ts';
import { until } from '../../support/until.ts';
import type { OpenStore } from './open-store.ts';

/** The promises of live notices. */
export function describeLive(opened: () => OpenStore): void {
  let store: MailboxStore;
  let other: MailboxStore;

  beforeEach(async () => {
    store = opened().store;
    other = await opened().another!();
  });

  describe('live notices', () => {
    test('tell who arrives and types through another store', async () => {
      const heard: Notice[] = [];
      const typing = { to: 'henry', name: 'typing', data: '{"sender":"jjeong"}' };
      store.live!.listen('henry', (notice) => heard.push(notice));
      store.live!.listen('presence:jjeong', () => undefined);
      store.live!.arrive('henry');

      other.live!.arrive('jjeong');
      await until('jjeong is here', () => store.live!.presence('jjeong').online);
      await until('henry is known there', async () => (await other.live!.ask('henry')).online);
      other.live!.publish(typing);

      await until('the notice', () => heard.length > 0);
      expect(heard).toEqual([typing]);
    });
  });
}
