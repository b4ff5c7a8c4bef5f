/** Floor: node:http, in memory only. */
import { deliver, serveChat } from './raw-http.mjs';

serveChat((event, kept) => {
  deliver(event.receiver, event.frame);
  kept();
});
