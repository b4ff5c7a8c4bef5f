import type { MailboxName } from '../../../src/words/mailbox-name.ts';
import type { MailboxStore } from '../../../src/words/mailbox-store.ts';

/** A store on data of its own. */
export interface OpenStore {
  readonly store: MailboxStore;
  /** Closes the store and opens another one on the same data. */
  reopen(): Promise<MailboxStore>;
  /** Of `several processes`: one more store on the same data, as another process has it. */
  another?(): Promise<MailboxStore>;
  /** Of `foreign mail`: appends a text as another program does. */
  appendForeign?(mailbox: MailboxName, text: string): void;
  /** Of `one order`: from now on the clock of the store, and of those opened later, stands there. Unix ms. */
  setClock?(ms: number): void;
  /** Closes every store and removes the data. */
  remove(): Promise<void>;
}

/**
 * What a store may lack; it keeps the contract of each that it claims.
 * `several processes`: stores of several processes on the same data are one.
 * `foreign mail`: other programs write mail without our code.
 * `forget`: it can. `live`: its notices reach other processes.
 * `one order`: ids of all mailboxes are in one order, whatever the clock does.
 */
export type Ability = 'several processes' | 'foreign mail' | 'live' | 'forget' | 'one order';
