#!/usr/bin/env node
'use strict';

// Old syntax on purpose: an old Node must get as far as the message below.
var version = process.versions.node.split('.').map(Number);
if (version[0] < 20 || (version[0] === 20 && version[1] < 19)) {
  console.error('✗ Mailbox Chat needs Node 20.19 or newer; this is ' + process.versions.node + '.');
  process.exit(1);
}

if (!require('node:fs').existsSync(__dirname + '/../dist/command/main.js')) {
  console.error('✗ This clone of Mailbox Chat has not been built.');
  console.error('  Run: npm ci && npm run build        (without --omit=dev, which leaves out the compiler)');
  process.exit(1);
}

void import('../dist/command/main.js');
