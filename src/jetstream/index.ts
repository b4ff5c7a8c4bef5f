export { JetStreamMailboxes, type JetStreamMailboxesOptions } from './jetstream-mailboxes.ts';
export { ALLOWANCES, type Allowance } from './cluster-check.ts';
