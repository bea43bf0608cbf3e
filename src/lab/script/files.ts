/** The files of a script: those that its commands make, of zeros, and nothing of this machine's. */

/** Bytes of each, by its path. */
export type Files = Map<string, number>;

export class OpenFile {
  readonly bytes: number;
  /** Where the next read begins. */
  at = 0;

  constructor(bytes: number) {
    this.bytes = bytes;
  }
}
