/**
 * The threads of `serve --workers` have one control socket, in the first thread. It asks the others
 * by messages.
 */
import type { Worker } from 'node:worker_threads';
import { ControlError } from '../control/errors.js';
import type { Answered, Answers, Asked, CommandName, ErrorData } from '../control/protocol.js';

export interface WorkerRequest {
  readonly ask: number;
  readonly command: CommandName;
  readonly asked: Asked<CommandName>;
}

export type WorkerReply =
  | { readonly answer: number; readonly data: unknown }
  | { readonly answer: number; readonly error: ErrorData };

interface Waiting {
  readonly resolve: (data: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** In the first thread: a worker as one more stack to ask. A worker that has ended says so. */
export function askWorker(thread: Worker): Answers {
  const waiting = new Map<number, Waiting>();
  let last = 0;
  thread.on('message', (said: Partial<WorkerReply>) => {
    if (said.answer === undefined) return;
    const waits = waiting.get(said.answer);
    waiting.delete(said.answer);
    if ('error' in said && said.error !== undefined)
      waits?.reject(new ControlError(said.error.message, said.error.fix));
    else if ('data' in said) waits?.resolve(said.data);
  });
  thread.once('exit', () => {
    for (const { reject } of waiting.values())
      reject(new ControlError('a worker of the stack has ended', ''));
    waiting.clear();
  });
  const ask = <K extends CommandName>(command: K, asked: Asked<K>): Promise<Answered<K>> =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve: resolve as Waiting['resolve'], reject });
      thread.postMessage({ ask: last, command, asked } satisfies WorkerRequest);
    });
  return {
    info: (asked) => ask('info', asked),
    ss: (asked) => ask('ss', asked),
    nstat: (asked) => ask('nstat', asked),
    kill: (asked) => ask('kill', asked),
    faults: (asked) => ask('faults', asked),
    metrics: (asked) => ask('metrics', asked),
  };
}

/** In the worker. */
export function answer(
  answers: Answers,
  { ask, command, asked }: WorkerRequest,
  say: (said: WorkerReply) => void,
): void {
  const failed = (error: unknown): void => {
    const { message } = error as Error;
    const fix = error instanceof ControlError ? error.fix : '';
    say({ answer: ask, error: { message, fix } });
  };
  // In a promise, so that what it throws at once is told, too.
  void new Promise((resolve) => {
    const call = answers[command] as (a: Asked<CommandName>) => unknown;
    resolve(call(asked));
  }).then((data) => {
    say({ answer: ask, data });
  }, failed);
}
