import { expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { banner, type Start } from '../../src/command/banner.ts';
import { isTerminal, paintFor } from '../../src/command/terminal.ts';
import { personName } from '../../src/words/mailbox-name.ts';
import { temporaryDirectory } from './running.ts';

const terminal = { isTTY: true };
const plain = paintFor(terminal, { NO_COLOR: '1' });

function start(changes: Partial<Start> = {}): Start {
  const people = ['henry', 'jjeong'].map(personName);
  return {
    version: '1.0.0',
    readyMs: 84,
    url: 'http://localhost:2012/',
    dir: './mailboxes',
    people,
    network: 'use --host to let another computer in (with invitation links)',
    links: [],
    isOpen: true,
    ...changes,
  };
}

test('The banner shows each person’s page, the mailboxes and a line to try', () => {
  expect(banner(start(), plain)).toBe(`
  Mailbox Chat 1.0.0  ready in 84 ms

  ➜  henry   http://localhost:2012/chat1.html
  ➜  jjeong  http://localhost:2012/chat2.html
  ➜  anyone  http://localhost:2012/

     Mailboxes  ./mailboxes     (plain text: open them)
     Network    use --host to let another computer in (with invitation links)

  Try:  printf 'data: hello from the shell\\n\\n' >> mailboxes/henry.txt
  Ctrl+C to stop

`);
});

test('The banner shows the address of the metrics, if they are served', () => {
  const text = banner(start({ metrics: 'http://localhost:9464/metrics' }), plain);

  expect(text).toContain('     Metrics    http://localhost:9464/metrics\n');
  expect(banner(start(), plain)).not.toContain('Metrics');
});

test('Two other people get their own pages', () => {
  const text = banner(start({ people: ['mina', '정'].map(personName) }), plain);

  expect(text).toContain('➜  mina    http://localhost:2012/chat.html?me=mina&with=%EC%A0%95\n');
  expect(text).toContain('?me=%EC%A0%95&with=mina\n');
});

test('More than two people choose their names on the first page', () => {
  const text = banner(start({ people: ['a', 'b', 'c'].map(personName) }), plain);

  expect(text.match(/➜.*/g)).toEqual(['➜  anyone  http://localhost:2012/']);
});

test('The line to try works in a shell, whatever the path of the mailboxes', () => {
  const dir = join(temporaryDirectory(), "it's a $HOME; true");
  mkdirSync(dir);
  const [, command = ''] = /Try: {2}(.*)/.exec(banner(start({ dir }), plain)) ?? [];

  execFileSync('sh', ['-c', command]);

  expect(readFileSync(join(dir, 'henry.txt'), 'utf8')).toBe('data: hello from the shell\n\n');
  rmSync(dir, { recursive: true });
});

test.each([
  [{}, terminal, true],
  [{}, {}, false],
  [{ NO_COLOR: '1' }, terminal, false],
  [{ NO_COLOR: '' }, terminal, true],
  [{ TERM: 'dumb' }, terminal, false],
  [{ FORCE_COLOR: '1' }, {}, true],
  [{ FORCE_COLOR: '0' }, terminal, false],
  [{ FORCE_COLOR: '1', NO_COLOR: '1' }, terminal, true],
])('With %j and the stream %j there are colours: %s', (env, stream, expected) => {
  expect(paintFor(stream, env)('red', '✗') !== '✗').toBe(expected);
});

test.each([
  [{}, terminal, true],
  [{}, {}, false],
  [{ CI: 'true' }, terminal, false],
  [{ NODE_ENV: 'production' }, terminal, false],
  [{ FORCE_COLOR: '1' }, {}, false],
])('With %j and the stream %j a person reads the output: %s', (env, stream, expected) => {
  expect(isTerminal(stream, env)).toBe(expected);
});
