import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { availableParallelism } from 'node:os';
import { mailboxChat } from 'mailbox-chat';

// Each process accepts its own connections: one handed to a process that was just killed would never be answered.
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
  let closing; // SIGTERM may come twice: from the service manager and from the primary
  process.on('SIGTERM', () => {
    closing ??= chat.close().then(() => server.close(() => process.exit()));
  });
}
