/** `node:net`'s functions on a host of ours: `netOf(host).createServer()` where a program would say `net.createServer()`. */
import type { Host } from './host.js';
import { Server, type ServerOptions } from './server.js';
import type { SocketOptions } from './socket-base.js';
import { Socket, type ConnectOptions } from './socket.js';

export interface NetConnectOptions extends ConnectOptions, SocketOptions {
  readonly noDelay?: boolean;
  readonly keepAlive?: boolean;
  /** Milliseconds. */
  readonly keepAliveInitialDelay?: number;
  /** Milliseconds, as `socket.setTimeout`. */
  readonly timeout?: number;
}

export interface Connect {
  (options: NetConnectOptions, onConnect?: () => void): Socket;
  (port: number, onConnect?: () => void): Socket;
  (port: number, host: string, onConnect?: () => void): Socket;
}

export interface Net {
  createServer(options?: ServerOptions | ((socket: Socket) => void), onConnection?: (socket: Socket) => void): Server;
  /** Throws ERR_SOCKET_BAD_PORT; all other errors are events. */
  readonly connect: Connect;
  readonly createConnection: Connect;
}

/** As cheap as an object: call it wherever it is handy. */
export function netOf(host: Host): Net {
  const connect: Connect = (
    first: NetConnectOptions | number,
    second?: string | (() => void),
    third?: () => void,
  ): Socket => {
    const at = typeof second === 'string' ? { host: second } : {};
    const o: NetConnectOptions = typeof first === 'object' ? first : { port: first, ...at };
    const socket = new Socket(host, o);
    if (o.noDelay === true) socket.setNoDelay(true);
    if (o.keepAlive === true) socket.setKeepAlive(true, o.keepAliveInitialDelay);
    if (o.timeout !== undefined) socket.setTimeout(o.timeout);
    return socket.connect(o, typeof second === 'function' ? second : third);
  };
  return {
    createServer: (options, onConnection) => new Server(host, options, onConnection),
    connect,
    createConnection: connect,
  };
}
