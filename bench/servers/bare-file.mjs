/** Floor for a backlog: writes `<receiver>.txt` to the socket as it is. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { serve } from './ready.mjs';

const [, , dir = '.'] = process.argv;

serve((req, res) => {
  const receiver = new URLSearchParams(req.url?.split('?')[1]).get('receiver');
  res.writeHead(200, { 'Content-Type': 'text/event-stream' });
  createReadStream(join(dir, `${receiver}.txt`)).pipe(res);
});
