/**
 * Finds a running stack and asks it.
 *
 *     one stack runs ─▶ that one
 *     several ─▶ --stack NAME, or $TCPLAB_STACK in a lab's shell
 *     none ─▶ an error that says how to start one
 */
import { connect, type Socket } from 'node:net';
import { basename } from 'node:path';
import { isAlive } from './claim.js';
import { ControlError } from './errors.js';
import { SOCKET_SUFFIX, socketPaths } from './folder.js';
import { LineReader } from './lines.js';
import type { TraceEvent } from '../../observe/events.js';
import type { Answered, Asked, CommandName, Reply, StreamName } from './protocol.js';

/** In the environment of a lab's shell: the stack beside it. */
export const STACK_VARIABLE = 'TCPLAB_STACK';

const HOW_TO_START =
  'tcplab lab   opens a shell beside a stack; tcplab serve   runs one until Ctrl-C';

/** A process that is stopped takes connections, and answers none. */
const ANSWER_MS = 10_000;

const nameOf = (path: string): string => basename(path, SOCKET_SUFFIX);

/** Path of the control socket of the stack that the user means. Throws ControlError. */
export async function findStack(
  wanted: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const paths = socketPaths(env);
  const alive = await Promise.all(paths.map(isAlive));
  const running = paths.filter((_, i) => alive[i]!);
  const names = running.map(nameOf);
  const name = wanted ?? env[STACK_VARIABLE];
  const found = name === undefined ? undefined : running.find((path) => nameOf(path) === name);
  if (found !== undefined) return found;
  if (running.length === 0)
    throw new ControlError(
      name === undefined
        ? 'no stack of this user is running'
        : `no stack of this user is running, so none has the name '${name}'`,
      HOW_TO_START,
    );
  if (wanted !== undefined)
    throw new ControlError(
      `no stack has the name '${wanted}'; these run: ${names.join(', ')}`,
      `--stack ${names[0]!}`,
    );
  if (running.length === 1) return running[0]!;
  throw new ControlError(
    `${running.length} stacks are running: ${names.join(', ')}`,
    `name one, for example --stack ${names[0]!}`,
  );
}

/** A connection to a stack. */
export class ControlClient {
  readonly path: string;
  private readonly socket: Socket;
  private readonly waiting = new Map<
    number,
    { resolve: (data: unknown) => void; reject: (error: Error) => void }
  >();
  private readonly streams = new Map<
    number,
    {
      onEvent: (event: TraceEvent) => void;
      onSkipped: (count: number) => void;
      onEnd: () => void;
    }
  >();
  private lastId = 0;

  private constructor(socket: Socket, path: string) {
    this.socket = socket;
    this.path = path;
    socket.setEncoding('utf8');
    const lines = new LineReader(
      (line) => {
        this.replied(JSON.parse(line) as Reply);
      },
      Infinity,
      () => undefined,
    );
    socket.on('data', (text: string) => {
      lines.push(text);
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      const gone = new ControlError('the stack has ended', HOW_TO_START);
      for (const { onEnd } of this.streams.values()) onEnd();
      for (const { reject } of this.waiting.values()) reject(gone);
      this.streams.clear();
      this.waiting.clear();
    });
  }

  get name(): string {
    return nameOf(this.path);
  }

  /** Throws ControlError. */
  static async open(wanted: string | undefined): Promise<ControlClient> {
    const path = await findStack(wanted);
    return new ControlClient(await connectTo(path), path);
  }

  /** Throws ControlError: what the stack says, or that it has ended. */
  ask<K extends CommandName>(command: K, asked: Asked<K>): Promise<Answered<K>> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) {
        reject(new ControlError('the stack has ended', HOW_TO_START));
        return;
      }
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(
          new ControlError(
            `the stack ${this.name} has not answered for ${ANSWER_MS / 1000} s: its process is ` +
              'stopped or very busy',
            `fuser ${this.path}   names the process; kill -CONT wakes one that is stopped`,
          ),
        );
      }, ANSWER_MS);
      this.waiting.set(id, {
        resolve: (data) => {
          clearTimeout(timer);
          resolve(data as Answered<K>);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.socket.write(`${JSON.stringify({ id, command, ...asked })}\n`);
    });
  }

  /**
   * Calls `onEvent` with each event, from `tcplab:trace_started` on. Calls `onSkipped` with the
   * number of events that were left out, because this client did not read them in time. Resolves
   * when the stack ends or this client is closed. Throws ControlError.
   */
  events(onEvent: (event: TraceEvent) => void, onSkipped: (count: number) => void): Promise<void> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.streams.set(id, { onEvent, onSkipped, onEnd: resolve });
      this.waiting.set(id, { resolve: () => undefined, reject });
      this.socket.write(requestLine(id, 'events'));
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private replied(reply: Reply): void {
    const stream = this.streams.get(reply.id);
    if ('event' in reply) {
      stream?.onEvent(reply.event);
      return;
    }
    if ('skipped' in reply) {
      stream?.onSkipped(reply.skipped);
      return;
    }
    const waits = this.waiting.get(reply.id);
    if (waits === undefined) return;
    this.waiting.delete(reply.id);
    if ('error' in reply) waits.reject(new ControlError(reply.error.message, reply.error.fix));
    else waits.resolve(reply.data);
  }
}

const requestLine = (id: number, command: StreamName): string =>
  `${JSON.stringify({ id, command })}\n`;

function connectTo(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', (error) => {
      const what = `the stack ${nameOf(path)} cannot be asked: ${error.message}`;
      reject(new ControlError(what, HOW_TO_START));
    });
    socket.once('connect', () => {
      resolve(socket);
    });
  });
}

/** A live capture of a stack. */
export interface LiveCapture {
  /** The stack's name. */
  readonly name: string;
  /** pcapng, cut anywhere; it ends when the stack ends. */
  readonly chunks: AsyncIterable<Uint8Array>;
  close(): void;
}

/** Captures at a stack's device. Throws ControlError. */
export async function openCapture(wanted: string | undefined): Promise<LiveCapture> {
  const path = await findStack(wanted);
  const socket = await connectTo(path);
  socket.write(requestLine(1, 'capture'));
  return {
    name: nameOf(path),
    chunks: afterFirstLine(socket),
    close: () => {
      socket.destroy();
    },
  };
}

/** What comes behind the line that answers the request. Throws ControlError if it is an error. */
async function* afterFirstLine(socket: Socket): AsyncGenerator<Uint8Array> {
  let head = Buffer.alloc(0);
  let answered = false;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    if (answered) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(10);
    if (end < 0) continue;
    answered = true;
    const reply = JSON.parse(head.subarray(0, end).toString()) as Reply;
    if ('error' in reply) throw new ControlError(reply.error.message, reply.error.fix);
    if (end + 1 < head.length) yield head.subarray(end + 1);
  }
}
