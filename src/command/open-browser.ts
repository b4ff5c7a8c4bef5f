import { spawn } from 'node:child_process';
import type { Logger } from '../words/logger.ts';

/** Opens `url` with the program in BROWSER (none: with nothing), else with the system's. A failure is only a warning. */
export function openBrowser(url: string, logger: Logger): void {
  const program = process.env['BROWSER'] || (process.platform === 'darwin' ? 'open' : 'xdg-open');
  if (program === 'none') return;
  const browser = spawn(program, [url], { stdio: 'ignore', detached: true });
  browser.on('error', (error) => logger.warn({ err: error }, 'no browser could be opened')).unref();
}
