import { afterEach, expect, test } from '@jest/globals';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger, type LoggerOptions } from '../../src/command/create-logger.ts';
import type { Logger } from '../../src/words/logger.ts';
import { cleanUp, temporaryDirectory } from './running.ts';

afterEach(cleanUp);

async function logged(options: Omit<LoggerOptions, 'to'>, log: (logger: Logger) => void): Promise<string> {
  const file = join(temporaryDirectory(), 'log');
  const to = openSync(file, 'w');
  log(await createLogger({ ...options, to }));
  closeSync(to);
  return readFileSync(file, 'utf8');
}

test('A log never contains the text of a message, even if the logger is given one', async () => {
  const text = await logged({ level: 'debug', format: 'json' }, (logger) => {
    logger.info({ message: 'secret', event: { id: '1-0', data: 'secret' } }, 'stored');
    logger.warn({ err: parsing('secret') }, 'not JSON');
  });

  expect(text).toContain('"id":"1-0"');
  expect(text).not.toContain('secret');
});

test.each(['json', 'pretty'] as const)('A %s log has one entry a line, whatever a field contains', async (format) => {
  const text = await logged({ level: 'info', format }, (logger) => {
    logger.info({ mailbox: 'a\nINFO: forged\u001B[31m' }, 'seen');
  });

  expect(text).not.toMatch(/^INFO: forged/m);
  expect(text).not.toContain('\u001B[31m');
});

test('An error is logged without its stack, unless the level is debug', async () => {
  const texts = [
    await logged({ level: 'info', format: 'json' }, fail),
    await logged({ level: 'debug', format: 'json' }, fail),
  ];

  expect(texts.map((text) => text.includes('disk on fire'))).toEqual([true, true]);
  expect(texts.map((text) => text.includes('    at '))).toEqual([false, true]);
});

test('A silent log says nothing', async () => {
  expect(await logged({ level: 'silent', format: 'json' }, (logger) => logger.error({}, 'failed'))).toBe('');
});

function fail(logger: Logger): void {
  logger.error({ err: new Error('disk on fire') }, 'failed');
}

function parsing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
}
