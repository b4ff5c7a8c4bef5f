import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { availableParallelism } from 'node:os';
import { mailboxChat } from 'mailbox-chat';

// Each process accepts for itself: a connection handed to one that was just killed would never be answered.
cluster.schedulingPolicy = cluster.SCHED_NONE;

if (cluster.isPrimary) {
  for (let i = 0; i < (process.env.PROCESSES ?? availableParallelism()); i += 1) cluster.fork();
  let ending = false;
  cluster.on('exit', () => ending || cluster.fork());
  process.on('SIGTERM', () => {
    ending = true;
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM');
  });
} else {
  const chat = mailboxChat();
  const server = createServer(chat).listen(process.env.PORT ?? 3000, '127.0.0.1', () => {
    console.log(`http://localhost:${server.address().port}`);
  });
  let closing; // a service manager may tell this process, and the primary again
  process.on('SIGTERM', () => {
    closing ??= chat.close().then(() => server.close(() => process.exit()));
  });
}
