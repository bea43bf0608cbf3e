/**
 * One line for each client that leaves too early: in the middle of a response or an upload, or by
 * an error on an idle connection. A client that closes normally between two requests gets no line.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { bytesText, countText } from '../../base/quantities.js';
import { endpointText } from '../../stack/flow.js';
import { entryOf } from '../../stack/tcp/entry.js';
import type { Socket } from '../../node/socket.js';

/** Gets a line about one client: its address, what happened, and the bytes transferred. */
export type Say = (line: string) => void;

/** What the peer did, by the error of the connection. */
const ENDINGS: Readonly<Record<string, string>> = {
  ECONNRESET: 'reset the connection (ECONNRESET)',
  EPIPE: 'closed the connection and then reset it (EPIPE)',
  ETIMEDOUT: 'does not answer any more (ETIMEDOUT)',
};

/** What the peer did; null if our side or the device ended the connection. */
function endingOf(socket: Socket): string | null {
  const { conn } = socket;
  if (conn === null) return null;
  if (conn.error !== null) return ENDINGS[conn.error] ?? null;
  return conn.rcv.finReceived ? 'closed the connection' : null;
}

const nameOf = (socket: Socket): string => {
  const { remote, remotePort } = entryOf(socket.conn!);
  return endpointText(remote, remotePort);
};

/** One connection of an HTTP service and the last request on it. */
class Visit {
  private readonly socket: Socket;
  private requests = 0;
  private request: IncomingMessage | null = null;
  private response: ServerResponse | null = null;
  /** Bytes written before the request came, in earlier responses. */
  private before = 0;
  /** Bytes of the request's body. */
  private taken = 0;

  constructor(socket: Socket, say: Say) {
    this.socket = socket;
    socket.on('close', () => {
      const line = this.lineAtEnd();
      if (line !== null) say(line);
    });
  }

  begin(request: IncomingMessage, response: ServerResponse): void {
    this.requests++;
    this.request = request;
    this.response = response;
    this.before = this.socket.bytesWritten;
    this.taken = 0;
    if (request.method === 'PUT' || request.method === 'POST')
      request.on('data', (chunk: Buffer) => (this.taken += chunk.length));
  }

  private lineAtEnd(): string | null {
    const { socket } = this;
    const ending = endingOf(socket);
    if (ending === null) return null;
    const what = this.cutOff();
    if (what !== null) return `http: ${nameOf(socket)} ${ending} in the middle of ${what}`;
    if (socket.conn!.error === null) return null;
    return (
      `http: ${nameOf(socket)} ${ending} between requests, after ` +
      `${countText(this.requests, 'request')}`
    );
  }

  /** Describes the request or response that is incomplete; null if there is none. */
  private cutOff(): string | null {
    const { request, response } = this;
    if (request === null || response === null) return null;
    const name = `${request.method} ${request.url}`;
    if (!request.complete) {
      const size = request.headers['content-length'];
      return `${name}: ${bytesText(this.taken)}${size === undefined ? '' : ` of ${size}`} came`;
    }
    const { stats, error } = this.socket.conn!;
    const isMissing = error !== null && stats.bytesAcked < stats.bytesOut;
    if (response.writableFinished && !isMissing) return null;
    const size = response.getHeader('content-length');
    const whole = size === undefined ? '' : `; its body has ${String(size)}`;
    return (
      `${name}: ${bytesText(Math.max(0, stats.bytesAcked - this.before))} of the answer were ` +
      `acknowledged${whole}`
    );
  }
}

/** Watches the clients of an HTTP service over our sockets. */
export function watchClients(service: Server, say: Say): void {
  const visits = new WeakMap<object, Visit>();
  service.on('connection', (socket) => {
    visits.set(socket, new Visit(socket as unknown as Socket, say));
  });
  service.on('request', (request, response) => {
    visits.get(request.socket)?.begin(request, response);
  });
}

/** Watches a socket of a service without requests; only an error gets a line. */
export function watchSocket(name: string, socket: Socket, say: Say): void {
  socket.on('close', (hadError: boolean) => {
    const ending = hadError ? endingOf(socket) : null;
    if (ending === null) return;
    const { bytesIn, bytesAcked } = socket.conn!.stats;
    say(
      `${name}: ${nameOf(socket)} ${ending}: it had sent ${bytesText(bytesIn)} and acknowledged ` +
        bytesText(bytesAcked),
    );
  });
}
