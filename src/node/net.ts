/** `node:net`'s functions on a host of ours: `netOf(host).createServer()` where a program would say `net.createServer()`. */
import { Address } from '../ip/address.js';
import { checkPort } from './errors.js';
import type { Host } from './host.js';
import { Server, type ServerOptions } from './server.js';
import { Socket, type SocketOptions } from './socket.js';

export interface ConnectOptions extends SocketOptions {
  readonly port: number;
  /** A number, not a name: the stack has no resolver. Default: loopback. */
  readonly host?: string;
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly noDelay?: boolean;
}

export interface Net {
  createServer(options?: ServerOptions | ((socket: Socket) => void), onConnection?: (socket: Socket) => void): Server;
  connect(options: ConnectOptions, onConnect?: () => void): Socket;
  createConnection(options: ConnectOptions, onConnect?: () => void): Socket;
}

export function netOf(host: Host): Net {
  const connect = (o: ConnectOptions, onConnect?: () => void): Socket => {
    const port = checkPort(o.port);
    const socket = new Socket(host, o);
    if (onConnect !== undefined) socket.once('connect', onConnect);
    socket.connect(Address.parse(o.host ?? '127.0.0.1'), port, {
      ...(o.localAddress === undefined ? {} : { address: Address.parse(o.localAddress) }),
      ...(o.localPort === undefined ? {} : { port: o.localPort }),
    });
    if (o.noDelay === true) socket.setNoDelay(true);
    return socket;
  };
  return {
    createServer: (options, onConnection) => new Server(host, options, onConnection),
    connect,
    createConnection: connect,
  };
}
