import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { buildPackage } from '../support/built-package.ts';
import { missingOf } from '../support/machine.ts';
import { requires } from '../support/requires.ts';
import { cutClients, type Heard } from './kit/cut-clients.ts';
import { libraryPages } from './kit/library-pages.ts';
import { NODE_CLIENTS } from './kit/node-clients.ts';
import { Pages } from './kit/page-clients.ts';
import { PROGRAM_CLIENTS } from './kit/program-clients.ts';

const CUTS = 100;

const pages = new Pages();
const clients = [...NODE_CLIENTS, ...libraryPages(pages), ...PROGRAM_CLIENTS];
const heard = new Map<string, Heard>();

beforeAll(async () => {
  buildPackage();
  const present = clients.filter(({ needs }) => missingOf(needs).length === 0);
  const seed = Date.now() % 1_000_000;
  const all = await cutClients({ clients: present, cuts: CUTS, seed, withinMs: 60_000 });
  for (const one of all) heard.set(one.client, one);
}, 120_000);

afterAll(() => pages.close());

describe(`a connection that is cut ${CUTS} times`, () => {
  for (const { name, hasCursor, needs } of clients) {
    const gets = hasCursor
      ? 'gets each message once, in order'
      : 'gets nothing twice, and all that comes while nothing is cut';
    requires(...needs)(`${name} ${gets}`, () => {
      const one = heard.get(name)!;

      expect(one).toMatchObject({ cuts: CUTS, lost: 0, twice: 0, reordered: 0, strange: 0 });
      expect(one.messages).toBeGreaterThan(CUTS);
    });
  }
});
