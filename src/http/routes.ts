import express, { type IRoute, type RequestHandler, type Router } from 'express';
import type { Front } from './front.ts';
import { refuseForeignSites, refusePrefetch, refuseUnprovenSite, type GuardOptions } from './guard.ts';
import { getHealth, getReadiness } from './health.ts';
import { pages } from './pages.ts';
import { answerProblem } from './problem.ts';
import { refuseOtherForms, refuseOtherMethods } from './refusals.ts';
import { postSession } from './session.ts';

export interface RoutesOptions {
  readonly guard: GuardOptions;
  /** Whether other web sites may show the pages in a frame. */
  readonly allowFraming: boolean;
}

/** What the owner of the mailboxes answers besides messages: see `mailroom-routes.ts`. */
const MAIL = ['/status', '/receipts', '/typing', '/history', '/people', '/inspect', '/status.html'];

/** Everything that one chat answers. The most frequent requests come first. */
export function routesOf(front: Front, { guard, allowFraming }: RoutesOptions): Router {
  const router = express.Router({ caseSensitive: true, strict: true });
  const guards: RequestHandler[] = [refuseForeignSites(guard), refusePrefetch];
  const route = (path: string): IRoute => router.route(path).all(refuseOtherMethods);

  router.use(refuseOtherForms);
  router.all(['/messages', '/messages.html'], guards, refuseUnprovenSite, front.answer);
  router.all(MAIL, guards, front.answer);
  route('/session').all(guards).post(postSession(front.options));
  // Load balancers ask for these under any host name, and they carry no mail.
  route('/healthz').get(getHealth(front.options.dir));
  route('/readyz').get(getReadiness(front));

  router.use(pages(allowFraming));
  router.use(answerProblem(front.options));
  return router;
}
