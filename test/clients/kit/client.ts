/** Gets the id and the data of each message, in order. */
export type Hear = (id: string, data: string) => void;

/** A program or library that others wrote, and that listens to a mailbox. */
export interface Client {
  readonly name: string;
  /** Whether it says what it has when it connects again. */
  readonly hasCursor: boolean;
  /** What it needs of the machine, as `requires` names it. */
  readonly needs: readonly string[];
  readonly version: () => string;
  /** Follows a stream, however often its connection breaks. Returns how to end it. */
  readonly listen: (url: string, hear: Hear) => Promise<Close> | Close;
}

export type Close = () => unknown;
