import { describe, expect, test } from '@jest/globals';
import { readClusterAddress, withoutPassword } from '../../src/jetstream/address.ts';

function refusal(text: string): string {
  try {
    readClusterAddress(text);
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  return 'nothing was wrong';
}

describe('The address of a cluster', () => {
  test('may consist of the servers only', () => {
    expect(readClusterAddress('nats://a,b:4223, tls://c')).toEqual({ servers: ['nats://a', 'b:4223', 'tls://c'] });
  });

  test('has parameters for the use of the cluster', () => {
    const text =
      'nats://a,b?replicas=3&shards=8&monitor=http://a:8222,http://b:8222&prefix=P_1&creds=/etc/c++/x.creds&allow=fewer-replicas,old-server';

    expect(readClusterAddress(text)).toEqual({
      servers: ['nats://a', 'b'],
      replicas: 3,
      shards: 8,
      monitors: ['http://a:8222', 'http://b:8222'],
      prefix: 'P_1',
      credentials: '/etc/c++/x.creds',
      allow: ['fewer-replicas', 'old-server'],
    });
  });

  test.each([
    ['replica=3', "the parameter 'replica' is unknown. Use replicas, shards, monitor, prefix, creds, allow."],
    ['toString=3', "the parameter 'toString' is unknown"],
    ['replicas=3&replicas=1', "the parameter 'replicas' is given twice."],
    ['replicas=0', "the parameter 'replicas' must be a whole number from 1 to 5, not '0'."],
    ['replicas=', "the parameter 'replicas' must be a whole number from 1 to 5, not ''."],
    ['shards=1025', "the parameter 'shards' must be a whole number from 1 to 1024, not '1025'."],
    ['monitor=a:8222', "the parameter 'monitor' must be http://host:8222 of every server"],
    ['prefix=a.b', "the parameter 'prefix' must be 1 to 32 letters"],
    ['creds=', "the parameter 'creds' must be a path, not ''."],
    ['allow=fewer-replicas,all', "the parameter 'allow' must be any of fewer-replicas, old-server"],
  ])('with "%s" is refused, and the error names the parameter', (query, message) => {
    expect(refusal(`nats://a?${query}`)).toContain(message);
  });

  test.each(['nats://', 'nats://a,,b', 'http://a', 'nats://a/b', 'nats://a:port', 'nats://a,nats://b#c'])(
    'is not %s',
    (text) => {
      expect(refusal(text)).toContain('a NATS server is nats://host:port or tls://host:port');
    },
  );

  test.each(['nats://u:XY,cret@a', 'nats://u:XY/cret@a', 'nats://u:XY?cret@a', 'nats://u:XY#cret@a'])(
    'that is malformed, such as %s, never appears in the error',
    (text) => {
      const message = refusal(text);

      expect(message).not.toContain('XY');
      expect(message).not.toContain('cret');
    },
  );

  test.each([
    ['nats://user:secret@a:4222', 'nats://a:4222'],
    ['token@a', 'a'],
    ['tls://a', 'tls://a'],
    ['nats://u:p@ss@a', 'nats://a'],
  ])('%s can be shown as %s', (server, shown) => {
    expect(withoutPassword(server)).toBe(shown);
  });
});
