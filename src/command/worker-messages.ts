import type { Report } from '../metrics/workers-total.ts';
import type { Settings } from './options.ts';

/** What a worker is to do. */
export interface Order {
  readonly settings: Settings;
  /** What to do when another program has the port. */
  readonly ifTaken: 'fail' | 'next';
}

/** What the primary says to a worker. */
export type ToWorker = { readonly serve: Order } | { readonly ask: 'stop' | 'report' };

/** What a worker says to the primary: that it hears; the port it listens on; what it has counted. */
export type FromWorker = { readonly hears: true } | { readonly listening: number } | { readonly report: Report };
