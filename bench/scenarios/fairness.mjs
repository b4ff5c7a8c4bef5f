import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { commandOf } from '../contenders.mjs';
import { Findings } from '../findings.mjs';
import { writeMailbox } from '../frames.mjs';
import { textOf } from '../generator/ledger.mjs';
import { runJob, startServer } from '../processes.mjs';
import { freshDirectory, remove } from '../scratch.mjs';

const JOB_MS = 120_000;
const CORRESPONDENTS = 200;
const PIPELINED = 100;
/** As many names as fit into the head of a request. */
const COOKIES = 550;

const HISTORY = '/history?receiver=henry&sender=jjeong&limit=500';
const SEARCH = '/search?receiver=henry&sender=jjeong&text=';
/**
 * Run one by one, each on a server that has just started.
 * @type {readonly [title: string, paths: readonly string[], isStream?: boolean][]}
 */
const LOOKS = [
  ['nothing', []],
  ['the first page of history after a start', [HISTORY]],
  ['a page of history', [HISTORY]],
  ['the oldest page of history', [`${HISTORY}&before=1-0`]],
  ['ten pages of history at once', Array.from({ length: 10 }, () => HISTORY)],
  ['a search for a word that nobody wrote', [`${SEARCH}tombola`]],
  ['a search for a word in every line', [`${SEARCH}receiver`]],
  ['eight searches for words that nobody wrote', Array.from({ length: 8 }, (_, i) => `${SEARCH}tombola${i}`)],
  ['eight searches for a word in every line', Array.from({ length: 8 }, () => `${SEARCH}receiver`)],
  ['a stream of all that waits', ['/status?receiver=henry&since=all'], true],
  ['a stream since an hour ago', ['/status?receiver=henry&since=1h'], true],
  [`people, with ${CORRESPONDENTS} correspondents`, ['/people?receiver=mina']],
];

/**
 * The longest time that another client waits for an answer while somebody asks for much.
 * @param {import('../measure.mjs').Setting} setting
 */
export async function run({ runs, quick, scratch }) {
  const findings = new Findings('fairness', 'The longest wait of another client', [
    { name: 'waitMs', title: 'longest wait ms', digits: 1 },
    { name: 'tookMs', title: 'the request took ms', digits: 0 },
  ]);
  const size = quick ? 20_000 : 900_000; // about 260 MB
  for (let i = 0; i < runs; i += 1) {
    await measureOpen(findings, size, scratch);
    await measureLinks(findings, scratch);
  }
  for (const row of findings.rows.keys()) {
    const longest = findings.values(row, 'waitMs').map((ms, i) => ms - (findings.values('nothing', 'waitMs')[i] ?? 0));
    findings.goal(`${row}: ms longer than beside nothing`, longest, '≤', 50);
  }
  return findings;
}

/** @param {Findings} findings @param {number} size @param {string} scratch */
async function measureOpen(findings, size, scratch) {
  const dir = freshDirectory(scratch);
  writeMailbox(join(dir, 'henry.txt'), 'henry', 'jjeong', size, 10);
  execFileSync('sync'); // otherwise the disk is still busy with it
  const server = await startServer(commandOf('product', dir), scratch);
  try {
    const { port } = server;
    for (let i = 0; i < CORRESPONDENTS; i += 1) await say(port, `p${i}`, 'mina');
    for (const [title, paths, isStream] of LOOKS) {
      const requests = paths.map((path) => get(path));
      findings.add(title, title, await runJob('fairness', { port, requests, isStream }, JOB_MS));
    }
    const key = `jjeong.${size - 1}`;
    const again = `a message sent again while ${size} wait`;
    findings.add(
      again,
      again,
      await runJob('fairness', { port, requests: [post('jjeong', 'henry', textOf(key), key)] }, JOB_MS),
    );
    for (const path of [HISTORY, '/chat.html']) {
      const title = `${PIPELINED} requests of ${path} sent ahead`;
      const requests = [get(path, 'keep-alive').repeat(PIPELINED - 1) + get(path)];
      findings.add(title, title, await runJob('fairness', { port, requests }, JOB_MS));
    }
  } finally {
    await server.stop();
    remove(dir);
  }
}

/** @param {Findings} findings @param {string} scratch */
async function measureLinks(findings, scratch) {
  const dir = freshDirectory(scratch);
  const server = await startServer([...commandOf('product', dir), '--access', 'links'], scratch);
  try {
    const cookies = Array.from({ length: COOKIES }, (_, i) => `mc_1_${i.toString(16).padStart(16, '0')}=x`);
    const request = get('/history?receiver=henry&sender=jjeong', 'close', `Cookie: ${cookies.join('; ')}\r\n`);
    const title = `100 requests at once with ${COOKIES} cookies each`;
    const requests = Array.from({ length: 100 }, () => request);
    findings.add(title, title, await runJob('fairness', { port: server.port, requests }, JOB_MS));
  } finally {
    await server.stop();
    remove(dir);
  }
}

/** @param {string} path @param {'close' | 'keep-alive'} connection @param {string} headers */
function get(path, connection = 'close', headers = '') {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: ${connection}\r\n${headers}\r\n`;
}

/** @param {string} sender @param {string} receiver @param {string} message @param {string} key */
function post(sender, receiver, message, key) {
  const body = JSON.stringify({ sender, receiver, message, key });
  const head = `POST /messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n`;
  return `${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** @param {number} port @param {string} sender @param {string} receiver */
async function say(port, sender, receiver) {
  const body = JSON.stringify({ sender, receiver, message: 'hello' });
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(`http://127.0.0.1:${port}/messages`, { method: 'POST', headers, body });
  if (answer.status !== 201) throw new Error(`a message was answered ${answer.status}`);
  await answer.arrayBuffer();
}
