/** Blocks in these languages are commands. */
export const RUNNABLE: ReadonlySet<string> = new Set(['sh', 'bash', 'shell', 'console', 'php', 'js', 'ts']);

type Owner = { readonly test: string } | { readonly notRun: string };

const README: Owner = { test: 'test/docs/readme.test.ts' };
const HTTP_API: Owner = { test: 'test/docs/http-api.test.ts' };
const FILE_FORMAT: Owner = { test: 'test/docs/file-format.test.ts' };
const IN_YOUR_APP: Owner = { test: 'test/docs/in-your-app.test.ts' };
const METRICS: Owner = { test: 'test/docs/metrics.test.ts' };
const EXAMPLES: Owner = { test: 'test/examples/examples.test.ts' };
const MAIL: Owner = { test: 'test/examples/mail.test.ts' };
const DEPLOY: Owner = { test: 'test/deploy/guide.test.ts' };
const OPERATIONS: Owner = { test: 'test/docs/operations.test.ts' };
const CLIENTS: Owner = { test: 'test/clients/kit/library-pages.ts' };
const LONG: Owner = { notRun: 'takes minutes to hours; npm test runs the short forms' };

/**
 * Who runs which block of which document, by the block's first line. A new block fails `documents.test.ts` until it
 * stands here: with the test file that takes it out of the document and runs it, or with the reason why nobody does.
 * `every sh block` stands for those of a document whose test runs them all, whatever comes.
 */
export const COMMANDS: Readonly<Record<string, Readonly<Record<string, Owner>>>> = {
  'README.md': {
    'npm ci && npm start        # run it           (Node 20.19 or newer)': README,
    [String.raw`printf 'data: hi\n\n' >> mailboxes/henry.txt`]: README,
    "import express from 'express';": README,
    'npm start -- --host                             # with --host, people get in by invitation links only; the first ones are printed':
      README,
  },
  'CONTRIBUTING.md': {
    'npm ci': { notRun: 'what runs the tests has run them; contributing.test.ts sees that they exist' },
  },
  'bench/README.md': {
    'npm run bench                            # everything, three runs each: about half an hour': LONG,
  },
  'docs/file-format.md': {
    'every sh block': FILE_FORMAT,
    'every php block': FILE_FORMAT,
    'every js block': FILE_FORMAT,
  },
  'docs/http-api.md': {
    'every sh block': HTTP_API,
    "const source = new EventSource('http://localhost:2012/status?receiver=henry&since=all');": HTTP_API,
  },
  'docs/in-your-app.md': {
    'npm ci && npm pack                                        # in the clone': {
      notRun: 'test/package/installed.test.ts packs and installs a clone',
    },
    "import { mailboxChat } from 'mailbox-chat';": IN_YOUR_APP,
    'const server = app.listen(3000);': { notRun: 'test/docs/snippets.test.ts compiles it' },
    "import express from 'express';": IN_YOUR_APP,
    "import Fastify from 'fastify';": IN_YOUR_APP,
    "import Koa from 'koa';": IN_YOUR_APP,
    "import { serve } from '@hono/node-server';": IN_YOUR_APP,
    "import next from 'next';": { notRun: 'Next is too large to install for one test' },
  },
  'docs/metrics.md': {
    'mailbox-chat --metrics 9464': METRICS,
    "import express from 'express';": METRICS,
  },
  'docs/operations.md': {
    'mailbox-chat doctor                           # the mailboxes': OPERATIONS,
    "key=$(mailbox-chat invite mailbox-chat-doctor | sed 's/.*#key=//')     # where the mailboxes are": OPERATIONS,
    'mailbox-chat backup backups/monday': OPERATIONS,
    'mv mailboxes mailboxes.before': OPERATIONS,
    'mailbox-chat --keep-days 30 --keep-bytes 100M': OPERATIONS,
    'mailbox-chat forget henry': OPERATIONS,
    "mailbox-chat tail henry --exec 'cat >> inbox.jsonl'": OPERATIONS,
  },
  'docs/scaling.md': {
    'npm install ./mailbox-chat-*.tgz @nats-io/transport-node @nats-io/jetstream     # the tarball that npm pack makes':
      {
        notRun: 'needs three machines; test/jetstream serves a chat from one NATS server',
      },
    "import { mailboxChat } from 'mailbox-chat';": {
      notRun: 'needs three machines; test/jetstream opens the same store',
    },
    'NATS_SERVER=/usr/sbin/nats-server npm run soak -- --nats --mailboxes 100 --seed 1      # and 2, 3, 4, 5': LONG,
    'NATS_SERVER=/usr/sbin/nats-server node scripts/nats-mailboxes.mjs 500000': LONG,
    "mailbox-chat migrate --dir ./mailboxes --store 'nats://a,b,c?monitor=http://a:8222,http://b:8222,http://c:8222'": {
      notRun: 'needs three machines; test/jetstream/migrate.test.ts runs it with one',
    },
  },
  'docs/performance.md': {
    'npm run bench                        # everything, three runs each': LONG,
    'ASLEEP_S=12 npm test -- test/engines -t dead': LONG,
  },
  'docs/transports.md': {
    'npm run bench -- transports --runs 1     # about a minute': LONG,
    'npm run soak -- --clients     # about three minutes; needs Go and the Debian package golang-github-donovanhide-eventsource-dev':
      LONG,
    'function listen(cursor) {': CLIENTS,
    "import { fetchEventSource } from '@microsoft/fetch-event-source';": CLIENTS,
  },
  'docs/reliability.md': {
    'npm test -- test/faults test/reliability         # the short form': LONG,
  },
  'examples/cluster/README.md': { 'npm install': EXAMPLES },
  'examples/standalone/README.md': { 'npm install': EXAMPLES },
  'examples/express-5/README.md': { 'npm install': EXAMPLES },
  'examples/express-4/README.md': { 'npm install': EXAMPLES },
  'examples/behind-nginx/README.md': { 'mailbox-chat --access links --allowed-host "$(hostname)"': EXAMPLES },
  'examples/behind-caddy/README.md': { 'mailbox-chat --trust-proxy': EXAMPLES },
  'examples/curl/README.md': { "./chat.sh send jjeong henry 'hello from a shell'": EXAMPLES },
  'examples/bot/README.md': { 'node bot.mjs': EXAMPLES },
  'examples/echo/README.md': {
    "mailbox-chat tail bot --exec './answer.sh python3 echo.py'": { test: 'test/examples/echo.test.ts' },
  },
  'examples/recipes/README.md': {
    'df -h / | tell.sh monitor henry': { test: 'test/examples/recipes.test.ts' },
  },
  'examples/agent/README.md': {
    'npm install': { notRun: 'test/examples/agent.test.ts runs the server with the packages of this clone' },
  },
  'examples/listen/README.md': {
    "python3 listen.py 'http://localhost:2012/status?receiver=henry&since=waiting'": {
      notRun: 'goes on until somebody ends it; test/clients runs all programs of the folder',
    },
  },
  'examples/mail/README.md': { 'every sh block': MAIL },
  'examples/php-page/README.md': { 'mailbox-chat --dir mailboxes': EXAMPLES },
  'docs/deploy.md': {
    'npm ci': DEPLOY,
    'useradd --system --shell /usr/sbin/nologin mailbox-chat': DEPLOY,
    'cp deploy/Caddyfile /etc/caddy/Caddyfile': DEPLOY,
    'cp deploy/nginx.conf /etc/nginx/conf.d/mailbox-chat.conf': DEPLOY,
    'runuser -u mailbox-chat -- mailbox-chat invite henry --dir /var/lib/mailbox-chat --url https://chat.example.org/':
      DEPLOY,
    'mkdir --parents /etc/systemd/system/mailbox-chat.service.d': DEPLOY,
    'systemctl restart mailbox-chat': DEPLOY,
    'podman build --format docker --file deploy/Containerfile --tag mailbox-chat .': {
      notRun:
        'takes a container engine and an image registry; test/deploy/containerfile.test.ts runs what the container would',
    },
  },
};
