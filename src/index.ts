export { mailboxChat, type MailboxChat } from './mailbox-chat.ts';
export type { ChatRequest, Identify, MailboxChatOptions, MayInspect } from './words/chat-options.ts';
export type { MailOptions, MessageToSend, ReceivedMail, SentMessage } from './http/host-mail.ts';
export { FileMailboxes } from './files/file-mailboxes.ts';
export type { FileMailboxesOptions } from './files/store-context.ts';
export { MailboxError, type MailboxErrorCode } from './words/mailbox-error.ts';
export { mailboxName, type MailboxName } from './words/mailbox-name.ts';
export type {
  Appended,
  Batch,
  MailEvent,
  MailboxStore,
  MarkName,
  Message,
  StoreAbilities,
  StoreFigures,
} from './words/mailbox-store.ts';
export type { FileView, Inspection, Inspector, Says, Span } from './words/inspector.ts';
export type { Logger } from './words/logger.ts';
export type { ChatMetrics } from './metrics/metrics.ts';
