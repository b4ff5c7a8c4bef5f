export interface MailEvent {
  readonly id: string;
  readonly type?: string;
  readonly data: string;
}

export function readMail(bytes: Buffer, mailbox: string, start?: string): Generator<MailEvent, void>;
