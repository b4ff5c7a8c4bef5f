export { JetStreamMailboxes } from './jetstream-mailboxes.ts';
export type { JetStreamMailboxesOptions } from './jetstream-options.ts';
export { ALLOWANCES, type Allowance } from './address.ts';
