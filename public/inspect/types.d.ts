/** The answer to `GET /inspect?mailbox=`. */
interface Look {
  mailbox: string;
  file: FileView | null;
  takes: FileView[];
  log: FileView[];
  marks: Record<string, string>;
  streams: string[]; // cursors
  pid: number;
}

interface FileView {
  path: string;
  size: number;
  ino: string;
  pieces: Span[];
  problem?: 'notPlain' | 'unreadable';
}

interface Span {
  from: number;
  end: number;
  bytes: string; // base64
  last?: string;
  says: Says;
}

type Says =
  | { kind: 'event'; id?: string; isLate?: true; time?: number; sender?: string; type?: string; text: string }
  | { kind: 'damaged'; why: string }
  | { kind: 'unfinished'; lines: boolean }
  | { kind: 'nothing' | 'end' | 'cut' };

/** A text and the values to put into it. */
interface Change {
  key: string;
  values: Record<string, string | number>;
}

type LookState = 'connecting' | 'live' | 'reconnecting' | 'busy' | 'denied';
