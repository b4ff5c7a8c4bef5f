import express, { type ErrorRequestHandler, type IRoute, type Router } from 'express';
import { CALLER_HEADER } from '../access/caller.ts';
import type { Chat } from './chat.ts';
import { deleteMailbox } from './forget.ts';
import { getReadiness } from './health.ts';
import { getHistory } from './history.ts';
import { getInspection } from './inspect.ts';
import { getMessage, postMessage } from './messages.ts';
import { getPeople } from './people.ts';
import { answerProblem, codeOf } from './problem.ts';
import { postReceipts } from './receipts.ts';
import { refuseOtherMethods } from './refusals.ts';
import { getStatus } from './status.ts';
import { postTyping } from './typing.ts';

/**
 * What the owner of the mailboxes answers, to its own clients and to other processes. The most frequent requests come
 * first. Who is asking is known by then, and that no other web site asks.
 */
export function mailroomRoutesOf(chat: Chat): Router {
  const router = express.Router({ caseSensitive: true, strict: true });
  const route = (path: string): IRoute => router.route(path).all(refuseOtherMethods);

  route('/messages').post(postMessage(chat)).get(getMessage(chat));
  route('/status').get(getStatus(chat));
  route('/receipts').post(postReceipts(chat));
  route('/typing').post(postTyping(chat));
  route('/history').get(getHistory(chat));
  route('/people').get(getPeople(chat));
  route('/inspect').get(getInspection(chat));
  // Their names in the 2012 prototype.
  route('/messages.html').get(getMessage(chat));
  route('/status.html').get(getStatus(chat));
  route('/readyz').get(getReadiness(chat.store));
  // For the command line: no request from a network is passed on to it.
  router.delete('/mailbox', deleteMailbox(chat));

  router.use(leaveToNextOwner);
  router.use(answerProblem(chat));
  return router;
}

/** A process that passed a request on asks again, and finds whoever owns the directory by then. */
const leaveToNextOwner: ErrorRequestHandler = (error, req, res, next) => {
  if (codeOf(error) === 'CLOSED' && CALLER_HEADER in req.headers) res.destroy();
  else next(error);
};
