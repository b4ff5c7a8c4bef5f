import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Running, cleanUp, temporaryDirectory } from '../command/running.ts';
import { PACKAGE_DIR, buildPackage } from '../support/built-package.ts';

const CONTAINERFILE = readFileSync(join(PACKAGE_DIR, 'deploy/Containerfile'), 'utf8');

/** The arguments of an instruction. */
function instruction(name: string): string {
  const found = new RegExp(`^${name} (.+)$`, 'm').exec(CONTAINERFILE)?.[1];
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

afterEach(cleanUp);

describe('the container', () => {
  const environment = Object.fromEntries(
    instruction('ENV')
      .split(' ')
      .map((setting) => setting.split('=')),
  ) as Record<string, string>;
  const [, ...args] = JSON.parse(instruction('CMD')) as string[];
  const [node, ...check] = JSON.parse(/CMD (\[.*\])/.exec(instruction('HEALTHCHECK'))![1]!) as string[];

  /** The health check, with the port that the system has chosen. */
  const isHealthy = (port: number): Promise<boolean> =>
    promisify(execFile)(
      process.execPath,
      check.map((word) => word.replace('2012', String(port))),
    ).then(
      () => true,
      () => false,
    );

  test('listens on its network, needs links, and is healthy while it accepts mail', async () => {
    buildPackage();
    const mail = { MAILBOX_DIR: temporaryDirectory(), PORT: '0' };
    const command = new Running(args, { env: { ...environment, ...mail } });
    const { port } = await command.ready();
    const people = await fetch(`http://127.0.0.1:${port}/people?receiver=henry`);

    expect(node).toBe('node');
    expect(await isHealthy(port)).toBe(true);
    expect(people.status).toBe(401);
    command.child.kill('SIGTERM');
    expect((await command.ended).code).toBe(0);
    expect(await isHealthy(port)).toBe(false);
  });

  test('keeps its mail in the volume, which belongs to its user', () => {
    expect(instruction('VOLUME')).toBe(environment['MAILBOX_DIR']);
    expect(CONTAINERFILE).toContain(
      `--owner=${instruction('USER')} --group=node --mode=0700 ${environment['MAILBOX_DIR']}`,
    );
    expect(instruction('EXPOSE')).toBe('2012');
  });

  test('is built without stray files of a clone', () => {
    const ignored = readFileSync(join(PACKAGE_DIR, '.dockerignore'), 'utf8').trim().split('\n');

    expect(ignored).toEqual(expect.arrayContaining(['.git', 'mailboxes', 'node_modules']));
  });
});
