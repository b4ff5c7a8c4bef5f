import express, { type ErrorRequestHandler, type IRoute, type RequestHandler, type Router } from 'express';
import { MailboxError } from '../mailbox-error.ts';
import { sendNothing } from './answer.ts';
import type { Chat } from './chat.ts';
import { refuseForeignSites, refusePrefetch, type GuardOptions } from './guard.ts';
import { getHealth, getReadiness } from './health.ts';
import { getHistory } from './history.ts';
import { getInspection } from './inspect.ts';
import { getMessage, postMessage } from './messages.ts';
import { pages } from './pages.ts';
import { getPeople } from './people.ts';
import { codeOf, sendProblem } from './problem.ts';
import { postReceipts } from './receipts.ts';
import { postSession } from './session.ts';
import { getStatus } from './status.ts';
import { postTyping } from './typing.ts';

export interface RoutesOptions {
  readonly guard: GuardOptions;
  /** Whether other web sites may show the pages in a frame. */
  readonly allowFraming: boolean;
}

/** Everything that one chat answers. The most frequent requests come first. */
export function routesOf(chat: Chat, { guard, allowFraming }: RoutesOptions): Router {
  const router = express.Router({ caseSensitive: true, strict: true });
  const route = (path: string): IRoute => router.route(path).all(refuseOtherMethods);
  const guarded = (path: string): IRoute => route(path).all(refuseForeignSites(guard), refusePrefetch);

  router.use(refuseOtherForms);
  guarded('/messages').post(postMessage(chat)).get(getMessage(chat));
  guarded('/status').get(getStatus(chat));
  guarded('/receipts').post(postReceipts(chat));
  guarded('/typing').post(postTyping(chat));
  guarded('/history').get(getHistory(chat));
  guarded('/people').get(getPeople(chat));
  guarded('/session').post(postSession(chat));
  guarded('/inspect').get(getInspection(chat));
  // Their names in the 2012 prototype.
  guarded('/messages.html').get(getMessage(chat));
  guarded('/status.html').get(getStatus(chat));
  // Load balancers ask for these under any host name, and they carry no mail.
  route('/healthz').get(getHealth(chat));
  route('/readyz').get(getReadiness(chat));

  router.use(pages(allowFraming));
  router.use(answerProblem(chat));
  return router;
}

/** Express would also find a route in a whole URL or before a `#`: only a plain path names one. */
const refuseOtherForms: RequestHandler = ({ url }, _res, next) => {
  if (url.startsWith('/') && !url.includes('#')) next();
  else next('router');
};

/** Says which methods a route has. HEAD and OPTIONS are answered without doing anything: they must not move mail. */
const refuseOtherMethods: RequestHandler = (req, res, next) => {
  const { methods } = req.route as { methods: Readonly<Record<string, boolean>> };
  if (methods[req.method.toLowerCase()]) return next();

  const names = Object.keys(methods).filter((method) => method !== '_all');
  const possible = names.map((method) => method.toUpperCase());
  const isReadable = possible.includes('GET');
  res.setHeader('Allow', [...possible, ...(isReadable ? ['HEAD'] : []), 'OPTIONS'].join(', '));
  if (req.method === 'OPTIONS') return sendNothing(res);
  if (req.method === 'HEAD' && isReadable) return sendNothing(res, 200);
  throw new MailboxError('METHOD_NOT_ALLOWED', `${req.method} is not possible here. Use ${possible.join(' or ')}.`);
};

/** Express recognises an error handler by its four parameters. */
function answerProblem({ counts, logger }: Chat): ErrorRequestHandler {
  return (error, _req, res, _next) => {
    counts.failed(codeOf(error));
    sendProblem(res, error, logger);
  };
}
