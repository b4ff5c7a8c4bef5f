import express from 'express';
import { mailboxChat } from 'mailbox-chat';

const app = express();
const chat = mailboxChat(); // with your own login: mailboxChat({ identify: (req) => req.user?.name })
app.use('/chat', chat);

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`http://localhost:${server.address().port}/chat/`);
});

process.once('SIGTERM', () => {
  void chat.close().then(() => server.close());
});
