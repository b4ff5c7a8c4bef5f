import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { mailboxChat, type MailboxChatOptions } from '../../src/index.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { temporaryDirectory } from '../support/directory.ts';

/** The error for options that TypeScript would not allow. They must not make a directory. */
function complaintAbout(options: unknown): string {
  const parent = temporaryDirectory();
  const given = isRecord(options) && !('dir' in options) ? { ...options, dir: join(parent, 'mail') } : options;
  try {
    const chat = mailboxChat(given as MailboxChatOptions);
    afterThisTest(() => chat.close());
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    expect(readdirSync(parent)).toEqual([]);
    return (error as TypeError).message;
  }
  throw new Error('a chat was made');
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

const nobody = (): undefined => undefined;

describe('an option that says who gets in is refused instead of ignored:', () => {
  test.each<[unknown, string]>([
    [{ access: 'LINKS' }, "'access' must be 'open' or 'links'.*not 'LINKS'. Did you mean 'links'\\?$"],
    [{ access: 'link' }, "Did you mean 'links'\\?$"],
    [{ access: 'login' }, "give identify\\), not 'login'.$"],
    [{ access: true }, 'not true.$'],
    [{ access: undefined }, 'not undefined.$'],
    [{ identify: 'x' }, "'identify' must be a function of the request .*, not a text.$"],
    [{ identify: undefined }, "'identify' .* not undefined.$"],
    [{ identify: Promise.resolve('henry') }, "'identify' .* not an object.$"],
    [{ mayInspect: false }, "'mayInspect' must be a function of the request .*, not false.$"],
    [{ mayInspect: undefined }, "'mayInspect' .* not undefined.$"],
    [{ allowedHosts: 'chat.example' }, "'allowedHosts' .*Did you mean \\[ 'chat.example' \\]\\?$"],
    [{ trustProxy: 'false' }, "'trustProxy' must be true or false, not a text. Did you mean false\\?$"],
  ])('%p', (options, complaint) => {
    expect(complaintAbout(options)).toMatch(new RegExp(complaint));
  });

  test.each<[MailboxChatOptions, string]>([
    [{ access: 'links', identify: nobody }, "'identify' stands in place of 'access'"],
    [{ access: 'open', identify: nobody }, "'identify' stands in place of 'access'"],
    [{ access: 'links', allowedHosts: ['*'] }, "'allowedHosts: ['*']' is for open access"],
    [{ identify: nobody, allowedHosts: ['chat.example', '*'] }, "'allowedHosts: ['*']' is for open access"],
  ])('%p contradicts itself', (options, complaint) => {
    expect(complaintAbout(options)).toContain(complaint);
  });
});

describe('an unknown option is refused, with the name that was probably meant:', () => {
  test.each([
    ['dirr', 'dir'],
    ['directory', 'dir'],
    ['acess', 'access'],
    ['idenify', 'identify'],
    ['trust-proxy', 'trustProxy'],
    ['allowed-host', 'allowedHosts'],
    ['rate', 'sendRate'],
  ])('%s, %s', (name, meant) => {
    expect(complaintAbout({ [name]: 'x' })).toBe(`mailboxChat: There is no option '${name}'. Did you mean '${meant}'?`);
  });

  test('or with all options', () => {
    expect(complaintAbout({ colour: 'red' })).toMatch(/no option 'colour'. The options are dir, people, .*store.$/);
  });

  test('port, which belongs to the server', () => {
    expect(complaintAbout({ port: 2012 })).toMatch(/no option 'port'.*your server/);
  });
});

describe('an option with a wrong type or value is refused:', () => {
  test.each<[unknown, string]>([
    [{ dir: '' }, "'dir' must be the path of a directory, not an empty text."],
    [{ dir: 3 }, "'dir' must be the path of a directory, not 3."],
    [{ people: 'henry,jjeong' }, "not 'henry,jjeong'. Did you mean [ 'henry', 'jjeong' ]?"],
    [{ people: ['henry', 'room.x'] }, "'people[1]' must be the name of a person"],
    [{ maxMessage: '100' }, "'maxMessage' must be a whole number from 1 to 32000, not a text. Did you mean 100?"],
    [{ sendRate: NaN }, "'sendRate' must be a number, 0 or more, not NaN."],
    [{ sendRate: '' }, "'sendRate' must be a number, 0 or more, not an empty text."],
    [{ maxStreams: 0 }, "'maxStreams' must be a whole number from 1 to"],
    [{ keepDays: 0 }, "'keepDays' must be a number above 0, not 0."],
    [{ keepBytes: -1 }, "'keepBytes' must be a number above 0, not -1."],
    [{ groupWritable: 'yes' }, "'groupWritable' must be true or false, not a text."],
    [{ allowFraming: 1 }, "'allowFraming' must be true or false, not 1."],
    [{ onFatal: {} }, "'onFatal' must be a function of an error, not an object."],
    [{ logger: console.log }, "'logger' must be an object with the methods debug, info, warn, error, not a function."],
    [{ logger: { info: nobody, error: nobody } }, 'not one without debug, warn.'],
    [{ store: { append: nobody } }, 'not one without read, readBack,'],
    ['./mail', 'The options must be an object, not a text.'],
    [null, 'The options must be an object, not null.'],
    [Promise.resolve({ access: 'links' }), 'The options must be a plain object, not [Promise].'],
    [new Map([['access', 'links']]), 'The options must be a plain object, not [Map].'],
    [{ allowedHosts: ['https://chat.example'] }, "'allowedHosts[0]' must be the name of a host, or '*', not a text."],
    [{ allowedHosts: ['*.chat.example'] }, "'allowedHosts[0]' must be the name of a host, or '*', not a text."],
  ])('%p', (options, complaint) => {
    expect(complaintAbout(options)).toContain(complaint);
  });

  test('all at once, when there are several', () => {
    const complaint = complaintAbout({ maxMessage: 0, dirr: 'x', keepDays: 0 });

    for (const name of ['maxMessage', 'dirr', 'keepDays']) expect(complaint).toContain(`'${name}'`);
  });

  test.each(['store', 'logger', 'identify', 'mayInspect', 'onFatal', 'trustProxy'])(
    'and no error shows a secret in %s',
    (name) => {
      for (const value of ['nats://user:hunter2@host', { password: 'hunter2' }, ['hunter2', { key: 'hunter2' }]]) {
        expect(complaintAbout({ [name]: value })).not.toContain('hunter2');
      }
    },
  );
});

test('An undefined option has its default, if the default lets in nobody else', () => {
  const without = { dir: temporaryDirectory(), maxMessage: undefined, keepDays: undefined, logger: undefined };

  const chat = mailboxChat(without as unknown as MailboxChatOptions);
  afterThisTest(() => chat.close());

  expect(chat).toBeInstanceOf(Function);
});
