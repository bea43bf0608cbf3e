/** How a command ends, and the errors that it prints. */

/** Exit codes (README). 77 means "skipped" in test harnesses such as automake's. */
export const Exit = { ok: 0, failed: 1, usage: 2, environment: 77 } as const;

/**
 * An error that is printed without a stack trace. `message` says what happened and why, `fix` what
 * to type; `exitCode` is one of `Exit`.
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
