/**
 * The control socket of a running stack. Every command that opens a stack opens one, and it is gone
 * with the stack.
 */
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { claimName } from './claim.js';
import { ControlError } from './errors.js';
import { checkName, openFolder, SOCKET_SUFFIX } from './folder.js';
import { joinAnswers } from './join.js';
import { LineReader } from './lines.js';
import type { Answered, Answers, Asked, CommandName, Reply, Streams } from './protocol.js';
import { parseRequest } from './shapes.js';
import { startStream } from './streaming.js';

/** Characters of the longest request. */
const MOST_REQUEST = 1 << 20;
/** A client that does not read its answers is cut off at this many bytes. */
const MOST_UNREAD = 256 << 20;

export interface ControlOptions {
  /** From --name: an error if it is taken. */
  readonly chosen: string | undefined;
  /** Default name: the device's. */
  readonly device: string;
  /** The stack in this thread. It is told the name that it got. */
  readonly answers: (name: string) => Answers;
  readonly streams: Streams;
}

export class ControlServer {
  readonly name: string;
  readonly path: string;
  private readonly server: Server;
  /** One, or with --workers several, whose answers are joined. */
  private readonly stacks: { readonly answers: Answers; readonly streams: Streams }[];
  private readonly clients = new Set<Socket>();
  private readonly atExit = (): void => {
    removeFiles(this.path);
  };

  private constructor(
    server: Server,
    name: string,
    path: string,
    answers: Answers,
    streams: Streams,
  ) {
    this.server = server;
    this.name = name;
    this.path = path;
    this.stacks = [{ answers, streams }];
    server.on('connection', (socket) => {
      this.accept(socket);
    });
    server.unref();
    process.on('exit', this.atExit);
  }

  /** Throws ControlError. */
  static async open({ chosen, device, answers, streams }: ControlOptions): Promise<ControlServer> {
    const wanted = checkName(chosen ?? device);
    const folder = openFolder();
    const server = createServer();
    const { name, path } = await claimName(server, folder, wanted, chosen !== undefined);
    return new ControlServer(server, name, path, answers(name), streams);
  }

  /** Another stack of the same command: a worker. */
  add(answers: Answers, streams: Streams): void {
    this.stacks.push({ answers, streams });
  }

  close(): void {
    process.off('exit', this.atExit);
    this.server.close();
    for (const client of this.clients) client.destroy();
    removeFiles(this.path);
  }

  private accept(socket: Socket): void {
    this.clients.add(socket);
    socket.unref();
    socket.setEncoding('utf8');
    const reply = (said: Reply): void => {
      if (socket.destroyed) return;
      socket.write(`${JSON.stringify(said, finite)}\n`);
      if (socket.writableLength > MOST_UNREAD) socket.destroy();
    };
    const lines = new LineReader(
      (line) => {
        void this.answer(line, socket).then((said) => {
          if (said !== null) reply(said);
        });
      },
      MOST_REQUEST,
      () => {
        socket.destroy();
      },
    );
    socket.on('data', (text: string) => {
      lines.push(text);
    });
    socket.on('error', () => undefined); // a client that is gone
    socket.on('close', () => {
      this.clients.delete(socket);
    });
  }

  /** Null for a stream, which writes to the socket itself. */
  private async answer(line: string, socket: Socket): Promise<Reply | null> {
    let id = -1;
    try {
      const request = parseRequest(line);
      id = request.id;
      if (!('stream' in request))
        return { id, data: await this.ask(request.command, request.asked) };
      const sources = this.stacks.map((stack) => stack.streams);
      socket.once('close', startStream(request.stream, sources, id, socket));
      return null;
    } catch (error) {
      const { message } = error as Error;
      return { id, error: { message, fix: error instanceof ControlError ? error.fix : '' } };
    }
  }

  private async ask<K extends CommandName>(command: K, asked: Asked<K>): Promise<Answered<K>> {
    const answers: Answered<K>[] = [];
    for (const answer of this.stacks.map((stack) => stack.answers[command](asked)))
      answers.push(await answer);
    return joinAnswers(command, answers);
  }
}

/** JSON has no infinity; a limit that is not there is null. */
const finite = (_key: string, value: unknown): unknown =>
  value === Infinity || value === -Infinity ? null : value;

/** The socket, and the history of `tcplab nstat` beside it. */
function removeFiles(path: string): void {
  rmSync(path, { force: true });
  rmSync(historyPath(path), { force: true });
}

/** Where `tcplab nstat` keeps what it showed last. */
export const historyPath = (socket: string): string =>
  `${socket.slice(0, -SOCKET_SUFFIX.length)}.nstat`;
