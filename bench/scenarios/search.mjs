import { join } from 'node:path';
import { commandOf } from '../contenders.mjs';
import { Findings } from '../findings.mjs';
import { writeMailbox } from '../frames.mjs';
import { cpuSeconds, startServer } from '../processes.mjs';
import { freshDirectory, remove } from '../scratch.mjs';

const GOAL_MS = 200;
const MAX_REQUESTS = 200;

/** How long it takes to find a text in a long conversation. @param {import('../measure.mjs').Setting} setting */
export async function run({ runs, quick, scratch }) {
  const count = quick ? 20_000 : 985_000; // about 256 MiB
  /** Each message begins with its key: its sender and number. @type {readonly [title: string, text: string][]} */
  const texts = [
    ['one of the newest messages', `jjeong.${count - 10} `],
    ['one in the middle', `${Math.floor(count / 2)} `],
    ['the oldest message', 'jjeong.0 '],
    ['a word that nobody wrote, in Korean', '안녕하세요'],
  ];
  const findings = new Findings('search', `Search in ${count} messages`, [
    { name: 'firstMs', title: 'first hit ms', digits: 0 },
    { name: 'wholeMs', title: 'whole search ms', digits: 0 },
    { name: 'cpuMs', title: 'server CPU ms', digits: 0 },
    { name: 'requests', title: 'requests', digits: 0 },
  ]);
  for (let i = 0; i < runs; i += 1) {
    const dir = freshDirectory(scratch);
    writeMailbox(join(dir, 'henry.txt'), 'henry', 'jjeong', count, 10);
    const server = await startServer(commandOf('product', dir), scratch);
    try {
      await ask(server.port, '/history?receiver=henry&sender=jjeong'); // a page does so before anybody can search in it
      for (const [title, text] of texts) findings.add(title, title, await search(server, text));
    } finally {
      await server.stop();
      remove(dir);
    }
  }
  for (const [title] of texts.slice(0, 3))
    findings.goal(`first hit, ${title}, ms`, findings.values(title, 'firstMs'), '≤', GOAL_MS);
  return findings;
}

/** Asks until everything was searched. @param {{ port: number, pid: number }} server @param {string} text */
async function search({ port, pid }, text) {
  const cpuBefore = cpuSeconds(pid);
  const begun = performance.now();
  let firstMs;
  let requests = 0;
  for (let before; before !== null && requests < MAX_REQUESTS; requests += 1) {
    const query = new URLSearchParams({ receiver: 'henry', sender: 'jjeong', text, ...(before && { before }) });
    const page = await ask(port, `/search?${query.toString()}`);
    if (page.messages.length > 0) firstMs ??= performance.now() - begun;
    before = page.before;
  }
  return { firstMs, wholeMs: performance.now() - begun, cpuMs: (cpuSeconds(pid) - cpuBefore) * 1000, requests };
}

/** @param {number} port @param {string} path */
async function ask(port, path) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  if (answer.status !== 200) throw new Error(`${path} was answered ${answer.status}`);
  return /** @type {Promise<any>} */ (answer.json());
}
