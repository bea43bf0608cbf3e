/**
 * A file that is no recording, one of a newer version, or one that is damaged. `message` says what
 * is wrong and where; `fix`, what to do.
 */
export class RecordingError extends Error {
  readonly fix: string;

  constructor(message: string, fix: string) {
    super(message);
    this.name = 'RecordingError';
    this.fix = fix;
  }
}

/** The recording has fewer bytes than its records need: it was cut. */
export class RecordingEnds extends Error {
  constructor() {
    super('the recording ends here');
    this.name = 'RecordingEnds';
  }
}
