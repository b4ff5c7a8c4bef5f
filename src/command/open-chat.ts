import type { Logger } from '../logger.ts';
import { type MailboxChat, mailboxChat } from '../mailbox-chat.ts';
import type { AccessSettings } from './access.ts';
import { createLogger } from './create-logger.ts';
import { opened, unusable } from './directory.ts';
import { RUNTIME } from './ending.ts';
import { openCluster } from './open-store.ts';
import type { Settings } from './options.ts';
import { isTerminal } from './terminal.ts';

export function loggerFor({ 'log-level': level, 'log-format': format }: Settings): Promise<Logger> {
  const fitting = isTerminal(process.stderr) ? 'pretty' : 'json';
  return createLogger({ level, format: format === 'auto' ? fitting : format });
}

/** The chat as it was asked for; what the directory has against it comes as an Ending. */
export async function openChat(settings: Settings, access: AccessSettings, logger: Logger): Promise<MailboxChat> {
  const { dir, people, 'max-message': maxMessage, 'send-rate': sendRate, 'trust-proxy': trustProxy } = settings;
  const groupWritable = settings['group-writable'];
  const { 'keep-days': keepDays, 'keep-bytes': keepBytes } = settings;
  const store = await openCluster(settings, logger);
  try {
    const onFatal = (error: Error) => giveUp(error, logger);
    const chat = mailboxChat({
      ...access,
      dir,
      people,
      maxMessage,
      sendRate,
      trustProxy,
      groupWritable,
      keepDays,
      keepBytes,
      logger,
      onFatal,
      ...(store && { store }),
    });
    await opened(chat);
    return chat;
  } catch (error) {
    throw unusable(dir, error);
  }
}

/** After a failed sync nobody knows what is on the disk: the next start reads it from there. */
function giveUp(error: Error, logger: Logger): void {
  logger.error({ err: error }, 'The mailboxes can no longer be written safely: giving up');
  process.exit(RUNTIME);
}
