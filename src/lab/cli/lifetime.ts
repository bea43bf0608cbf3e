/**
 * How a command that runs until it is told to stop ends: by a signal, by a broken pipe, by a device
 * that is gone.
 */

export interface Lifetime {
  /** Resolves with the exit code when it is time to go. */
  readonly ended: Promise<number>;
  end(code: number): void;
}

/** The first signal ends in good order, the second at once. */
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
