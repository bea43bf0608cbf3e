/** A capture file that cannot be read on: what is wrong, at which byte, and what to do about it. */
export class CaptureError extends Error {
  /** Where in the file, in bytes from its start. */
  readonly offset: number;
  /** What to do, as one sentence without a full stop. */
  readonly fix: string;

  constructor(what: string, offset: number, fix: string) {
    super(`at byte ${offset}: ${what}`);
    this.offset = offset;
    this.fix = fix;
  }
}

/** What to do about a file whose bytes contradict each other. */
export const DAMAGED = 'the file is damaged from here on; the packets before this byte were read';
