/**
 * Ends a command that has no end of its own: at a signal, a broken pipe, or the loss of its device.
 */

export interface Lifetime {
  /** Resolves with the exit code when the command must end. */
  readonly ended: Promise<number>;
  end(code: number): void;
}

/** The first signal ends the command in good order, the second at once with exit code 1. */
export function lifetime(): Lifetime {
  let finish: (code: number) => void = () => undefined;
  let ending = false;
  const ended = new Promise<number>((resolve) => {
    finish = resolve;
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (ending) process.exit(1);
      ending = true;
      finish(0);
    });
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    finish(error.code === 'EPIPE' ? 0 : 1);
  });
  return {
    ended,
    end: (code) => {
      ending = true;
      finish(code);
    },
  };
}
