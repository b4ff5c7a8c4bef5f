import { describe, expect, test } from '@jest/globals';
import { JetStreamApiError } from '@nats-io/jetstream';
import { persist } from '../../src/jetstream/cluster-error.ts';

/** An attempt that fails this many times with a JetStream error, and then succeeds. */
function failing(times: number, err_code: number, code: number): { attempts: number; attempt: () => Promise<string> } {
  const attempted = {
    attempts: 0,
    attempt: () => {
      attempted.attempts += 1;
      if (attempted.attempts > times) return Promise.resolve('done');
      return Promise.reject(new JetStreamApiError({ code, err_code, description: 'no' }));
    },
  };
  return attempted;
}

describe('a request that the cluster refuses', () => {
  test.each([
    ['the same message is just being stored', 10158, 409],
    ['there is too much to do', 10167, 429],
    ['a leader hands over', 10077, 503],
    ['there is no leader', 10008, 503],
    ['another server was quicker to make the stream', 10058, 400],
    ['another server was quicker to write', 10071, 400],
  ])('is repeated when %s', async (_, code, status) => {
    const attempted = failing(2, code, status);

    expect(await persist(attempted.attempt, () => 5000)).toBe('done');
    expect(attempted.attempts).toBe(3);
  });

  test.each([
    ['DISK_FULL', 10047, 500],
    ['DISK_FULL', 10023, 503],
    ['STORE_FAILED', 10052, 400],
  ])('is %s at once for code %i, which would only come again', async (expected, code, status) => {
    const attempted = failing(1, code, status);

    await expect(persist(attempted.attempt, () => 5000)).rejects.toMatchObject({ code: expected });
    expect(attempted.attempts).toBe(1);
  });

  test.each([
    ['MAILBOX_BUSY', 10158, 409],
    ['DISK_FULL', 10077, 503],
  ])('is %s when it lasts too long', async (expected, code, status) => {
    const attempted = failing(Infinity, code, status);

    await expect(persist(attempted.attempt, () => 0)).rejects.toMatchObject({ code: expected });
  });
});
