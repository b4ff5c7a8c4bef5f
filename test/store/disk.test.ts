import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { APPEND, READ, appendWhole } from '../../src/files/disk.ts';
import { temporaryDirectory } from '../support/directory.ts';

test('a short write is refused and not completed, since another program may have written after it', () => {
  const path = join(temporaryDirectory(), 'full-soon');
  spawnSync('mkfifo', [path]);
  const [reader, writer] = [openSync(path, READ), openSync(path, APPEND)];
  const bytes = Buffer.alloc(1024 * 1024, 'x');
  const room = Buffer.alloc(bytes.length);

  try {
    expect(() => appendWhole(writer, bytes)).toThrow(expect.objectContaining({ code: 'DISK_FULL' }));
    const written = readSync(reader, room);

    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(bytes.length);
    expect(() => readSync(reader, room)).toThrow(expect.objectContaining({ code: 'EAGAIN' }));
  } finally {
    closeSync(reader);
    closeSync(writer);
  }
});
