/**
 * What went wrong between a command and a running stack: what happened and why, and what to type.
 */
export class ControlError extends Error {
  readonly fix: string;

  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}
