export { JetStreamMailboxes, type JetStreamMailboxesOptions } from './jetstream-mailboxes.ts';
export { ALLOWANCES, type Allowance } from './address.ts';
