/**
 * The threads of `serve --workers` have one control socket, in the first thread. It asks the others
 * by messages.
 */
import type { Worker } from 'node:worker_threads';
import { ControlError } from '../control/errors.js';
import type {
  Answered,
  Answers,
  Asked,
  CommandName,
  ErrorData,
  Stream,
  StreamName,
  StreamPieces,
  Streams,
} from '../control/protocol.js';

export interface WorkerRequest {
  readonly ask: number;
  readonly command: CommandName;
  readonly asked: Asked<CommandName>;
}

export type WorkerReply =
  | { readonly answer: number; readonly data: unknown }
  | { readonly answer: number; readonly error: ErrorData };

/** Starts or ends a stream of a worker; `stream` is a number of the first thread's choice. */
export type WorkerStreamRequest =
  { readonly stream: number; readonly name: StreamName } | { readonly endStream: number };

export interface WorkerPiece {
  readonly stream: number;
  readonly piece: StreamPieces[StreamName];
}

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

/** In the first thread: the streams of a worker. */
export function streamWorker(thread: Worker): Streams {
  const sinks = new Map<number, (piece: never) => void>();
  let last = 0;
  thread.on('message', (said: Partial<WorkerPiece>) => {
    if (said.stream !== undefined) sinks.get(said.stream)?.(said.piece as never);
  });
  const start =
    <K extends StreamName>(name: K): Stream<K> =>
    (sink: (piece: StreamPieces[K]) => void) => {
      const stream = ++last;
      sinks.set(stream, sink);
      thread.postMessage({ stream, name } satisfies WorkerStreamRequest);
      return () => {
        sinks.delete(stream);
        thread.postMessage({ endStream: stream } satisfies WorkerStreamRequest);
      };
    };
  return { events: start('events'), capture: start('capture') };
}

/** In the worker: starts and ends the streams that the first thread asks for. */
export class WorkerStreams {
  private readonly streams: Streams;
  private readonly say: (said: WorkerPiece) => void;
  private readonly stops = new Map<number, () => void>();

  constructor(streams: Streams, say: (said: WorkerPiece) => void) {
    this.streams = streams;
    this.say = say;
  }

  take(request: WorkerStreamRequest): void {
    if ('endStream' in request) {
      this.stops.get(request.endStream)?.();
      this.stops.delete(request.endStream);
      return;
    }
    const { stream, name } = request;
    const sink = (piece: StreamPieces[StreamName]): void => {
      this.say({ stream, piece });
    };
    this.stops.set(
      stream,
      name === 'events' ? this.streams.events(sink) : this.streams.capture(sink),
    );
  }
}
