/** How a command ends, and the errors that a person meets. */

/** Exit codes (docs: README): a test harness takes 77 for "skipped", as automake does. */
export const Exit = { ok: 0, failed: 1, usage: 2, environment: 77 } as const;

/**
 * What happened and why, what to type, and the code to exit with: printed without a stack trace.
 */
export class CommandError extends Error {
  readonly exitCode: number;
  readonly fix: string;

  constructor(exitCode: number, message: string, fix = '') {
    super(message);
    this.exitCode = exitCode;
    this.fix = fix;
  }
}
