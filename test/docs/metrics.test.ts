import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { collectDefaultMetrics } from 'prom-client';
import { parse } from 'yaml';
import { PROBLEM_CODES } from '../../src/http/problem.ts';
import { buildPackage, PACKAGE_DIR } from '../support/built-package.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { scrape } from '../support/metrics.ts';
import { requires } from '../support/requires.ts';
import { serveChat } from '../support/serve-chat.ts';
import { block } from './kit/documents.ts';
import { run, Shell } from './kit/shell.ts';

const PATH = 'docs/metrics.md';

/** The names of all metrics of a chat, with the name of their label: `mailbox_chat_resumes_total{result}`. */
async function metricsThatAre(): Promise<string[]> {
  const { chat } = await serveChat();
  const metrics = await (await chat.metrics.registry()).getMetricsAsJSON();
  return metrics.map(({ name, values }) => {
    const labels = new Set(values.flatMap((sample) => Object.keys(sample.labels)));
    labels.delete('le');
    return name + (labels.size === 0 ? '' : `{${[...labels].join()}}`);
  });
}

describe('the table of metrics', () => {
  test('has every metric with its label, and no other', async () => {
    const text = readFileSync(join(PACKAGE_DIR, PATH), 'utf8');
    const documented = Array.from(text.matchAll(/^\| `(mailbox_chat_\w+(?:\{\w+\})?)` \|/gm), ([, name]) => name!);

    expect(documented.toSorted()).toEqual((await metricsThatAre()).toSorted());
  });

  interface Rules {
    readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
  }

  test('has all metrics, labels and codes that the alerts use', async () => {
    const { chat } = await serveChat();
    const registry = await chat.metrics.registry();
    collectDefaultMetrics({ register: registry });
    const text = await registry.metrics();
    const samples = new Set([...Array.from(text.matchAll(/^[a-z]\w*/gm), ([name]) => name), 'up']);
    const { rules } = (parse(block(PATH, 'groups:').code) as Rules).groups[0]!;

    for (const { expr } of rules) {
      const asked = Array.from(expr.matchAll(/\b(?:mailbox_chat|process|nodejs)_\w+/g), ([name]) => name);
      expect([...asked, 'up'].filter((name) => !samples.has(name))).toEqual([]);
    }
    const all = rules.map(({ expr }) => expr).join('\n');
    const codes = /code=~"([^"]+)"/.exec(all)![1]!.split('|');
    expect(codes.filter((code) => !(PROBLEM_CODES as string[]).includes(code))).toEqual([]);
    expect(text).toContain('mailbox_chat_resumes_total{result="gap"}');
  });
});

describe('what it says to type', () => {
  requires('curl')('shows the metrics of the command', async () => {
    buildPackage();
    const cwd = temporaryDirectory();
    const [serve = '', ask = ''] = block(PATH, 'mailbox-chat --metrics 9464').code.split('\n');
    const bin = join(cwd, 'bin');
    mkdirSync(bin);
    chmodSync(join(PACKAGE_DIR, 'bin/mailbox-chat.cjs'), 0o755);
    symlinkSync(join(PACKAGE_DIR, 'bin/mailbox-chat.cjs'), join(bin, 'mailbox-chat'));
    const env = { PATH: `${bin}:${process.env['PATH']}`, PORT: '0' };

    const server = new Shell(serve.replace('9464', '0'), { cwd, env });
    const [, url] = await server.printed(/"metrics":"([^"]+)"/);

    expect(ask).toBe('curl http://localhost:9464/metrics');
    expect(await run(ask.replace('http://localhost:9464/metrics', url!), { cwd })).toContain(
      'mailbox_chat_open_streams 0',
    );
  });

  test('shows the metrics of a chat in an application', async () => {
    buildPackage();
    const cwd = temporaryDirectory();
    mkdirSync(join(cwd, 'node_modules'));
    symlinkSync(PACKAGE_DIR, join(cwd, 'node_modules/mailbox-chat'));
    symlinkSync(join(PACKAGE_DIR, 'node_modules/express'), join(cwd, 'node_modules/express'));
    const { code } = block(PATH, "import express from 'express';");
    const free = code.replace('internal.listen(9464,', 'const server = internal.listen(0,');
    writeFileSync(join(cwd, 'app.mjs'), `${free}\nserver.on('listening', () => console.log(server.address().port));`);

    const [port] = await new Shell('node app.mjs', { cwd }).printed(/^\d+$/m);

    expect(await scrape(`http://127.0.0.1:${port}/metrics`)).toHaveProperty('mailbox_chat_open_streams', 0);
  });
});
