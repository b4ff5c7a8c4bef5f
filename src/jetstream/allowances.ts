/** What may be less than the promises need, when it is said in so many words. */
export const ALLOWANCES = ['fewer-replicas', 'old-server', 'late-sync', 'unchecked-sync'] as const;
export type Allowance = (typeof ALLOWANCES)[number];
