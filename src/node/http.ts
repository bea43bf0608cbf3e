/**
 * `node:http` over our sockets, because its server accepts any stream as a connection, and its
 * agent can use any stream.
 */
import { Agent, type AgentOptions, type Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Host } from './host.js';
import { netOf, type NetConnectOptions } from './net.js';
import { Server, type ListenOptions } from './server.js';

/** A TCP server that hands its connections to an HTTP server. */
class HttpPort extends Server {
  private readonly http: HttpServer;

  constructor(host: Host, http: HttpServer) {
    super(host, { noDelay: true, allowHalfOpen: true }, (socket) => {
      http.emit('connection', socket);
    });
    this.http = http;
    // This event starts Node's checks of an HTTP server's connections (requestTimeout,
    // headersTimeout, closeIdleConnections).
    this.on('listening', () => http.emit('listening'));
  }

  /** As http.Server's: idle connections are closed, so they do not delay `close`. */
  override close(callback?: (error?: Error) => void): this {
    super.close(callback);
    this.http.closeIdleConnections();
    return this;
  }
}

/**
 * Serves `http` on a port of the host. `http` itself need not listen; it emits `listening` when the
 * returned server listens. Close the returned server to stop.
 */
export function serveHttp(
  host: Host,
  http: HttpServer,
  listen: ListenOptions,
  onListening?: () => void,
): Server {
  return new HttpPort(host, http).listen(listen, onListening);
}

/**
 * An agent whose requests go through the host: `http.get(url, { agent })`. The URL's host must be
 * an address or a name in /etc/hosts.
 */
export class HostAgent extends Agent {
  private readonly host: Host;

  constructor(host: Host, options?: AgentOptions) {
    super(options);
    this.host = host;
  }

  /**
   * @internal http.Agent calls it for each connection that it needs. `path` is the path of the
   *   request, not of a pipe.
   */
  override createConnection(options: {
    port?: number | string | null | undefined;
    path?: string | null;
  }): Duplex {
    const o = { noDelay: true, ...options, port: Number(options.port ?? 80), path: undefined };
    return netOf(this.host).connect(o as NetConnectOptions);
  }
}
