import express, { type ErrorRequestHandler, type IRoute, type RequestHandler, type Router } from 'express';
import { CALLER_HEADER } from '../access/caller.ts';
import type { Chat } from './chat.ts';
import { getFile, postFile } from './files.ts';
import { deleteMailbox } from './forget.ts';
import { refuseUnprovenSite } from './guard.ts';
import { getReadiness } from './health.ts';
import { getHistory } from './history.ts';
import { getInspection } from './inspect.ts';
import { getMessage, postMessage } from './messages.ts';
import { getName } from './names.ts';
import { getPeople } from './people.ts';
import { answerProblem, codeOf } from './problem.ts';
import { postReceipts } from './post-receipts.ts';
import { refuseOtherMethods } from './refusals.ts';
import type { Handler } from './request.ts';
import { getSearch } from './search.ts';
import { getStatus } from './status.ts';
import { sayByeOnProblem } from './stream-problem.ts';
import { postTyping } from './typing.ts';

/** Makes the handler of a request about mail, which needs what only the owner has. */
export type MailHandler = (chat: Chat) => Handler;

/** The routes that answer with a stream. */
export const STREAMS = ['/status', '/status.html'];

/** Adds the routes about mail, the most frequent first. `mail` decides who answers: this process, or the owner. */
export function addMailRoutes(route: (path: string) => IRoute, mail: (handlerOf: MailHandler) => RequestHandler): void {
  route('/messages').post(mail(postMessage)).get(refuseUnprovenSite, mail(getMessage));
  route('/status').get(mail(getStatus));
  route('/receipts').post(mail(postReceipts));
  route('/typing').post(mail(postTyping));
  route('/files').post(mail(postFile));
  route('/files/:sha256').get(mail(getFile));
  route('/history').get(mail(getHistory));
  route('/search').get(mail(getSearch));
  route('/people').get(mail(getPeople));
  route('/names').get(mail(getName));
  route('/inspect').get(mail(getInspection));
  // Their names in the 2012 prototype.
  route('/messages.html').get(refuseUnprovenSite, mail(getMessage));
  route('/status.html').get(mail(getStatus));
}

/** What the owner answers to other processes, through the socket of the directory. They have checked who is asking. */
export function mailroomRoutesOf(chat: Chat): Router {
  const router = express.Router({ caseSensitive: true, strict: true });
  const route = (path: string): IRoute => router.route(path).all(refuseOtherMethods);

  addMailRoutes(route, (handlerOf) => handlerOf(chat));
  route('/readyz').get(getReadiness(chat.store));
  // For the command line: no process passes on a request from a network to it.
  router.delete('/mailbox', deleteMailbox(chat));

  router.use(leaveToNextOwner);
  router.use(STREAMS, sayByeOnProblem(chat));
  router.use(answerProblem(chat));
  return router;
}

/** A process that passed a request on asks again when no answer comes, and finds whoever owns the directory by then. */
const leaveToNextOwner: ErrorRequestHandler = (error, req, res, next) => {
  if (codeOf(error) === 'CLOSED' && CALLER_HEADER in req.headers) res.destroy();
  else next(error);
};
