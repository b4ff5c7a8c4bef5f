import { BlockList, isIP } from 'node:net';
import { CONFIGURATION, Ending } from './ending.ts';

/** What the banner says about other computers. */
export const NETWORK_NOTE = 'this computer only';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** Until this command can hand out invitation links, whoever reaches it may do everything: so only this machine may. */
export function refuseOpenNetwork(host: string): void {
  if (isLoopback(host)) return;
  throw new Ending(CONFIGURATION, `Mailbox Chat can't be opened to the network yet, so --host ${host} is refused.`, [
    'It hands out no invitation links yet: anyone who reaches it could read all mail and write in any name.',
    'From another computer: ssh -L 2012:localhost:2012 <this computer>, then open http://localhost:2012/',
    "Or mount it in your own app, behind that app's login.",
  ]);
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return isIP(host) !== 0 && loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
}
