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
import type { Answered, Asked, CommandName, Reply } from './protocol.js';

/** In the environment of a lab's shell: the stack beside it. */
export const STACK_VARIABLE = 'TCPLAB_STACK';

const HOW_TO_START =
  'tcplab lab   opens a shell beside a stack; tcplab serve   runs one until Ctrl-C';

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
      for (const { reject } of this.waiting.values()) reject(gone);
      this.waiting.clear();
    });
  }

  get name(): string {
    return nameOf(this.path);
  }

  /** Throws ControlError. */
  static async open(wanted: string | undefined): Promise<ControlClient> {
    const path = await findStack(wanted);
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('error', (error) => {
        reject(
          new ControlError(
            `the stack ${nameOf(path)} cannot be asked: ${error.message}`,
            HOW_TO_START,
          ),
        );
      });
      socket.once('connect', () => {
        resolve(new ControlClient(socket, path));
      });
    });
  }

  /** Throws ControlError: what the stack says, or that it has ended. */
  ask<K extends CommandName>(command: K, asked: Asked<K>): Promise<Answered<K>> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) {
        reject(new ControlError('the stack has ended', HOW_TO_START));
        return;
      }
      this.waiting.set(id, { resolve: resolve as (data: unknown) => void, reject });
      this.socket.write(`${JSON.stringify({ id, command, ...asked })}\n`);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private replied(reply: Reply): void {
    const waits = this.waiting.get(reply.id);
    if (waits === undefined) return;
    this.waiting.delete(reply.id);
    if ('error' in reply) waits.reject(new ControlError(reply.error.message, reply.error.fix));
    else waits.resolve(reply.data);
  }
}
