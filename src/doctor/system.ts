import { watch } from 'node:fs';
import { isErrno } from '../words/mailbox-error.ts';
import { VERSION } from '../words/version.ts';
import { ok, warning, type Finding } from './finding.ts';

/** Names this program, and checks that it can watch files in `dir`: on Linux, other programs can use up the limits. */
export function examineSystem(dir: string): Finding[] {
  const program = ok(`Mailbox Chat ${VERSION} on Node ${process.versions.node}, ${process.platform}`);
  try {
    watch(dir).close();
    return [program, ok('Files can be watched')];
  } catch (error) {
    if (!isErrno(error, 'ENOSPC', 'EMFILE')) throw error;
    const what = error.code === 'ENOSPC' ? 'watches' : 'instances';
    const setting = `fs.inotify.max_user_${what}=524288`;
    const fix = `sudo sysctl ${setting}. To keep it: echo ${setting} | sudo tee /etc/sysctl.d/60-inotify.conf`;
    return [
      program,
      warning(`Other programs have used up the inotify ${what}: mail in files arrives up to 1 s late`, fix),
    ];
  }
}
