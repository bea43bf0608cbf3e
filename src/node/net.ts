/**
 * The functions of `node:net` for a host: `netOf(host).createServer()` replaces
 * `net.createServer()`.
 */
import { splitArguments } from './errors.js';
import type { Host } from './host.js';
import { Server, type ServerOptions } from './server.js';
import type { SocketOptions } from './socket-base.js';
import { Socket, type ConnectOptions } from './socket.js';

export interface NetConnectOptions extends ConnectOptions, SocketOptions {
  /** Milliseconds, as `socket.setTimeout`. */
  readonly timeout?: number | undefined;
}

export interface Connect {
  (options: NetConnectOptions, onConnect?: () => void): Socket;
  (port: number, onConnect?: () => void): Socket;
  (port: number, host: string, onConnect?: () => void): Socket;
}

export interface Net {
  createServer(
    options?: ServerOptions | ((socket: Socket) => void) | null,
    onConnection?: (socket: Socket) => void,
  ): Server;
  /** Throws for invalid arguments; all other errors are events. */
  readonly connect: Connect;
  readonly createConnection: Connect;
}

/** Cheap enough to call wherever it is needed. */
export function netOf(host: Host): Net {
  const connect: Connect = (...args: unknown[]): Socket => {
    const { options, callback } = splitArguments<NetConnectOptions>(args);
    const socket = new Socket(host, options);
    if (options.timeout) socket.setTimeout(options.timeout);
    return socket.connect(options, callback ?? undefined);
  };
  return {
    createServer: (options, onConnection) => new Server(host, options, onConnection),
    connect,
    createConnection: connect,
  };
}
