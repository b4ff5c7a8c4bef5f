import { describe, expect, test } from '@jest/globals';
import { Turns } from '../../src/words/turns.ts';

/** Work that lasts until `end` is called. */
function work(
  name: string,
  log: string[],
): { readonly run: () => Promise<string>; readonly end: (fails?: Error) => void } {
  const { promise, resolve, reject } = withResolvers<string>();
  const run = (): Promise<string> => {
    log.push(name);
    return promise;
  };
  return { run, end: (fails) => (fails ? reject(fails) : resolve(name)) };
}

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

describe('turns', () => {
  test('run work on one thing in order, whether or not it fails, and work on other things at the same time', async () => {
    const turns = new Turns();
    const log: string[] = [];
    const [first, second, third, other] = ['first', 'second', 'third', 'other'].map((name) => work(name, log));
    const done = [first, second, third].map((one) => turns.run(one!.run, 'a'));
    const beside = turns.run(other!.run, 'b');
    await Promise.resolve(); // work begins a moment later

    expect(log).toEqual(['first', 'other']);
    other!.end();
    expect(await beside).toBe('other');
    third!.end();
    first!.end(new Error('in vain'));
    await expect(done[0]).rejects.toThrow('in vain');
    expect(log).toEqual(['first', 'other', 'second']);
    second!.end();

    expect(await Promise.all(done.slice(1))).toEqual(['second', 'third']);
    await turns.over();
    expect(log).toEqual(['first', 'other', 'second', 'third']);
  });
});
