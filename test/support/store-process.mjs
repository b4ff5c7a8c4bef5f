// A process of its own on a directory of mailboxes: appends `count` messages, one after the other, and says what
// became of each, a line of JSON at a time.
const [, , module, directory, sender, count, listens] = process.argv;
const { FileMailboxes } = await import(module);

const store = new FileMailboxes(directory);
const stop = listens === 'listens' ? await store.watch('henry', () => undefined) : () => undefined;
for (let i = 0; i < Number(count); i += 1) {
  const message = { sender, receiver: 'henry', message: `${sender} ${i}`, key: `${sender} ${i}` };
  const { event } = await store.append('henry', message);
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
stop();
await store.close();
