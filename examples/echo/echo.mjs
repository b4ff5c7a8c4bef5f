import { readFileSync } from 'node:fs';

const { id, data } = JSON.parse(readFileSync(0, 'utf8'));
try {
  const { sender, message } = JSON.parse(data);
  if (sender !== 'bot') console.log(JSON.stringify({ sender: 'bot', receiver: sender, message, key: `echo-${id}` }));
} catch {
  // another program wrote it
}
