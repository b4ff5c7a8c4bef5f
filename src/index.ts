export { mailboxChat, type MailboxChat } from './mailbox-chat.ts';
export type { ChatRequest, Identify, MailboxChatOptions, MayInspect } from './chat-options.ts';
export { FileMailboxes, type FileMailboxesOptions } from './files/file-mailboxes.ts';
export { MailboxError, type MailboxErrorCode } from './mailbox-error.ts';
export { mailboxName, type MailboxName } from './mailbox-name.ts';
export type {
  Appended,
  Batch,
  MailEvent,
  MailboxStore,
  MarkName,
  Message,
  StoreAbilities,
  StoreFigures,
} from './mailbox-store.ts';
export type { FileView, Inspection, Inspector, Piece, Says } from './inspector.ts';
export type { Logger } from './logger.ts';
export type { ChatMetrics } from './metrics/metrics.ts';
