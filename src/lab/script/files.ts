/** The files of a script: its commands create them, they contain zeros, and none is on a disk. */

/** The size of each file in bytes, by its path. */
export type Files = Map<string, number>;

export class OpenFile {
  readonly bytes: number;
  /** The offset of the next read. */
  at = 0;

  constructor(bytes: number) {
    this.bytes = bytes;
  }
}
