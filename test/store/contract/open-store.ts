import type { MailboxName } from '../../../src/words/mailbox-name.ts';
import type { MailboxStore } from '../../../src/words/mailbox-store.ts';

/** A store with its own data. */
export interface OpenStore {
  readonly store: MailboxStore;
  /** Closes the store and opens another one on the same data. */
  reopen(): Promise<MailboxStore>;
  /** For `several processes`: opens one more store on the same data, as another process does. */
  another?(): Promise<MailboxStore>;
  /** For `foreign mail`: appends a text, as another program does. */
  appendForeign?(mailbox: MailboxName, text: string): void;
  /** For `one order`: stops the clock of this store and of those opened later at this time, in Unix ms. */
  setClock?(ms: number): void;
  /** Closes every store and removes the data. */
  remove(): Promise<void>;
}

/**
 * Abilities that a store may lack. It keeps the contract of each ability that it claims.
 * `several processes`: the stores of several processes on the same data work as one.
 * `foreign mail`: other programs write mail without our code.
 * `forget`: it can forget a mailbox. `live`: its notices reach other processes.
 * `one order`: the ids of all mailboxes are in one order, whatever the clock does.
 */
export type Ability = 'several processes' | 'foreign mail' | 'live' | 'forget' | 'one order';
