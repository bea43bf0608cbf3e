/** `node:http` over our sockets: its server takes any stream as a connection, its agent makes any stream one. */
import { Agent, type AgentOptions, type Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Host } from './host.js';
import { netOf } from './net.js';
import { Server, type ListenOptions } from './server.js';

/** Serves `http` on a port of the host. The returned server is ours: close it to stop listening. */
export function serveHttp(host: Host, http: HttpServer, listen: ListenOptions, onListening?: () => void): Server {
  const server = new Server(host, { noDelay: true, allowHalfOpen: true }, (socket) => {
    http.emit('connection', socket);
  });
  return server.listen(listen, onListening);
}

/** An agent whose requests go through the host: `http.get(url, { agent })`. The URL's host must be a number. */
export class HostAgent extends Agent {
  private readonly host: Host;

  constructor(host: Host, options?: AgentOptions) {
    super(options);
    this.host = host;
  }

  override createConnection(options: { host?: string; port?: number | string }): Duplex {
    const address = (options.host ?? '127.0.0.1').replace(/^\[|\]$/g, '');
    return netOf(this.host).connect({ host: address, port: Number(options.port ?? 80), noDelay: true });
  }
}
