import { spawn } from 'node:child_process';

/** Opens `url` with the program BROWSER names, else the system's; `BROWSER=none` opens nothing. A failure is only told. */
export function openBrowser(url: string, onFailure: (error: Error) => void): void {
  const program = process.env['BROWSER'] || (process.platform === 'darwin' ? 'open' : 'xdg-open');
  if (program === 'none') return;
  spawn(program, [url], { stdio: 'ignore', detached: true }).on('error', onFailure).unref();
}
