/** The types that more than one module uses. */

interface StoredMessage {
  mailbox: string;
  id: string;
  sender: string | null; // null: it came from a file
  receiver: string;
  message: string;
  name?: string; // the sender's, as it was typed
  time: string;
  acceptedMs?: number; // present if it was not accepted at `time`
  key?: string | null;
  state?: 'sent' | 'delivered' | 'read';
  foreign?: boolean;
  viaFile?: boolean; // another program wrote it as its sender
  replyTo?: string;
  files?: readonly object[];
  // What its changes made of it.
  edited?: boolean;
  removed?: boolean;
  reactions?: Record<string, string>; // by person
}

interface FoundMessage extends StoredMessage {
  around: string; // the `before` of a page of the history around it
}

/** An edit, a removal or a reaction, stored as an event of its own. */
interface MessageChange extends Omit<StoredMessage, 'message' | 'sender'> {
  event: 'edit' | 'remove' | 'react';
  sender: string;
  of: string; // the id of the message
  message?: string;
  emoji?: string; // '' takes the reaction back
}

interface Position {
  mailbox: string;
  id: string;
  acceptedMs: number; // orders the mail of two mailboxes
}

interface MailEvent {
  type?: string;
  id?: string;
  data: string;
}

interface Presence {
  online?: boolean;
  lastSeen?: number | null; // Unix ms
}

interface Person extends Presence {
  name: string;
  unread?: number;
  last?: Partial<StoredMessage> | null;
}

interface Session {
  people: string[]; // the people this browser may act as; empty in open mode
  mode: 'open' | 'links' | 'login';
  refusal: string | null;
}

interface Which {
  receiver: string;
  sender?: string;
  person?: string;
}

/** `polling`: a proxy holds streams back; `resting`: other tabs need the connections more. Neither tells who is online. */
type StreamState = 'connecting' | 'online' | 'polling' | 'resting' | 'reconnecting' | 'denied';

interface FeedOptions {
  mailbox: string;
  person?: string; // in a room
  other?: string; // whose presence is of interest
  onEvent: (event: MailEvent) => void;
  /** `quietMs`: how long an announced reconnection may take before anybody needs to know. */
  onState: (state: StreamState, quietMs?: number) => void;
  /** The server does not know the cursor: `start` again with a fresh one. */
  onCursorRefused: () => void;
}

interface Leader {
  topic: string;
  since: number; // Unix ms
  isSeen: boolean;
}

/** The messages between the tabs of a browser. */
interface TabNote extends Partial<Leader> {
  kind: 'ask' | 'lead' | 'bye' | 'poke' | 'event' | 'state' | 'refused';
  other?: string;
  isNew?: boolean;
  event?: MailEvent;
  state?: StreamState;
  quietMs?: number;
  trustedMs?: number;
}

interface TabsOptions {
  other?: string;
  onLead: () => void;
  onYield: () => void;
  onMode: (mode: 'stream' | 'rest') => void;
  onAsked: (note: TabNote & { from: string }) => void;
  onNote: (note: TabNote) => void;
  onWake: () => void;
}

/** A file that a message names. */
interface SharedFile {
  name: string;
  type: string;
  bytes: number;
  sha256?: string; // once it is uploaded
  width?: number;
  height?: number;
  kept?: string; // of a letter: its name in this browser
}

/** What a message says, with all its changes. */
interface Saying {
  message: string;
  replyTo?: string;
  files: SharedFile[];
  isEdited: boolean;
  isRemoved: boolean;
  reactions: Record<string, string>;
}

interface ShownMessage extends Saying {
  identity: string;
  id?: string; // of what is stored
  mailbox?: string; // where it is stored
  sender: string;
  time: number;
  state: LetterState | 'sent' | 'delivered' | 'read';
  foreign: boolean;
  viaFile: boolean;
  key?: string; // of a letter
  behind?: string; // of a letter
  change?: { key: string; state: LetterState }; // of a letter that changes this message
}

interface ChatMessage extends ShownMessage, Position {
  id: string;
  mailbox: string;
  stored: StoredMessage;
}

type LetterState = 'sending' | 'waiting' | 'failed';

interface Letter {
  key: string;
  message: string;
  event?: MessageChange['event'];
  of?: string;
  emoji?: string;
  replyTo?: string;
  files?: SharedFile[];
  at: number;
  triedAt?: number;
  failed?: boolean;
  behind?: string; // the identity of the message before it when it failed; '' if there was none
  takenBackAt?: number; // it is not to be sent
}

type Frame = ReturnType<typeof import('./chat-frame.js').buildFrame>;

interface ChatOptions {
  me: string;
  other: string; // the person or room written to
  mailbox: string; // where my mail arrives
  longest: number;
  frame: Frame;
  onBadName: () => void; // the server does not accept this name
  onEvent?: (event: MailEvent) => void;
  onStranger?: (sender: string, message: StoredMessage) => void;
  onArrival?: (messages: ChatMessage[]) => void;
  onConnected?: () => void;
  onRead?: (id: string) => void; // the newest message read
  onUnread?: (count: number) => void;
  onSent?: () => void;
  onReceived?: (id: string) => void;
  onTyping?: () => void;
}
