import type { RequestHandler } from 'express';
import { MailboxError } from '../words/mailbox-error.ts';
import { sendNothing } from './answer.ts';

/** Refuses methods that a route does not have. Answers HEAD and OPTIONS itself: they must not move mail. */
export const refuseOtherMethods: RequestHandler = (req, res, next) => {
  const { methods } = req.route as { methods: Readonly<Record<string, boolean>> };
  if (methods[req.method.toLowerCase()]) return next();

  const names = Object.keys(methods).filter((method) => method !== '_all');
  const possible = names.map((method) => method.toUpperCase());
  const isReadable = possible.includes('GET');
  res.setHeader('Allow', [...possible, ...(isReadable ? ['HEAD'] : []), 'OPTIONS'].join(', '));
  if (req.method === 'OPTIONS') return sendNothing(res);
  if (req.method === 'HEAD' && isReadable) return sendNothing(res, 200);
  throw new MailboxError('METHOD_NOT_ALLOWED', `${req.method} is not allowed here. Use ${possible.join(' or ')}.`);
};

/** Lets only plain paths name a route. Express would also find one in a whole URL, or before a `#`. */
export const refuseOtherForms: RequestHandler = ({ url }, _res, next) => {
  if (url.startsWith('/') && !url.includes('#')) next();
  else next('router');
};
