import { CommanderError } from 'commander';
import { end, endOnErrors } from './ending.ts';
import { createProgram, withCommand } from './program.ts';

endOnErrors();
try {
  await createProgram().parseAsync(withCommand(process.argv.slice(2)), { from: 'user' });
} catch (error) {
  if (!(error instanceof CommanderError)) end(error); // otherwise it printed help or the version
}
