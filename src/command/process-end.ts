import { endingOf, inWords, stackOf } from './ending.ts';
import { paintFor } from './terminal.ts';

let withStacks = process.env['LOG_LEVEL'] === 'debug';

/** From now on says where it happened, too. */
export function showStacks(): void {
  withStacks = true;
}

/** Whatever nobody caught ends this process in words. */
export function endOnErrors(): void {
  process.on('uncaughtException', end); // rejections nobody handled come here too
  process.on('SIGXFSZ', () => {}); // a file size limit comes back as EFBIG instead of killing us
  process.stdout.on('error', end);
}

/** Says on stderr why, and exits with the code that belongs to it. */
export function end(error: unknown): never {
  // Whoever read our output has gone (`tail | head`): nothing is left to say.
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE') process.exit(0);

  const ending = endingOf(error);
  process.stderr.write(inWords(ending, paintFor(process.stderr)));
  if (withStacks) process.stderr.write(stackOf(error));
  process.exit(ending.exitCode);
}
