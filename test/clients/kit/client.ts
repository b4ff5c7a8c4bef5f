/** Gets the id and the data of each message, in order. */
export type Hear = (id: string, data: string) => void;

/** A program or library by others that listens to a mailbox. */
export interface Client {
  readonly name: string;
  /** Whether it sends its cursor when it connects again. */
  readonly hasCursor: boolean;
  /** What it needs on the machine, in the words of `requires`. */
  readonly needs: readonly string[];
  readonly version: () => string;
  /** Follows a stream, however often its connection breaks. Returns a function that ends it. */
  readonly listen: (url: string, hear: Hear) => Promise<Close> | Close;
}

export type Close = () => unknown;
