const express = require('express');
const { mailboxChat } = require('mailbox-chat');

const app = express();
const chat = mailboxChat();
app.use('/chat', chat);

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1', () => {
  console.log(`http://localhost:${server.address().port}/chat/`);
});

process.once('SIGTERM', () => {
  void chat.close().then(() => server.close());
});
