import { createServer } from 'node:http';
import { mailboxChat } from 'mailbox-chat';

const chat = mailboxChat();
const server = createServer(chat);
server.listen(process.env.PORT ?? 2012, '127.0.0.1', () => {
  console.log(`http://localhost:${server.address().port}/`);
});

process.once('SIGTERM', () => {
  void chat.close().then(() => server.close());
});
