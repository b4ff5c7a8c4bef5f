import express, { type IRoute, type RequestHandler, type Router } from 'express';
import type { Front } from './front.ts';
import { refuseForeignSites, refusePrefetch, type GuardOptions } from './guard.ts';
import { getHealth, getReadiness } from './health.ts';
import { addMailRoutes, STREAMS } from './mailroom-routes.ts';
import { pages } from './pages.ts';
import { answerProblem } from './problem.ts';
import { refuseOtherForms, refuseOtherMethods } from './refusals.ts';
import { getSession, postSession } from './session.ts';
import { sayByeOnProblem } from './stream-problem.ts';

interface RoutesOptions {
  readonly guard: GuardOptions;
  /** Whether other web sites may show the pages in a frame. */
  readonly allowFraming: boolean;
}

/** Everything that one chat answers. */
export function routesOf(front: Front, { guard, allowFraming }: RoutesOptions): Router {
  const router = express.Router({ caseSensitive: true, strict: true });
  const guards: RequestHandler[] = [refuseForeignSites(guard), refusePrefetch];
  const unguarded = (path: string): IRoute => router.route(path).all(refuseOtherMethods);
  const route = (path: string): IRoute => router.route(path).all(guards, refuseOtherMethods);

  router.use(refuseOtherForms);
  addMailRoutes(route, (handlerOf) => front.answer(handlerOf));
  route('/session').get(getSession(front)).post(postSession(front.options));
  // Load balancers ask for these under any host name, and they carry no mail.
  unguarded('/healthz').get(getHealth(front.options.dir));
  unguarded('/readyz').get(getReadiness(front));

  router.use(pages(allowFraming));
  router.use(STREAMS, sayByeOnProblem(front.options));
  router.use(answerProblem(front.options));
  return router;
}
