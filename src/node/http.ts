/**
 * `node:http` over our sockets: its server takes any stream as a connection, its agent makes any
 * stream one.
 */
import { Agent, type AgentOptions, type Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Host } from './host.js';
import { netOf, type NetConnectOptions } from './net.js';
import { Server, type ListenOptions } from './server.js';

/** A port of ours that feeds an HTTP server. */
class HttpPort extends Server {
  private readonly http: HttpServer;

  constructor(host: Host, http: HttpServer) {
    super(host, { noDelay: true, allowHalfOpen: true }, (socket) => {
      http.emit('connection', socket);
    });
    this.http = http;
    // Node watches an HTTP server's connections (requestTimeout, headersTimeout,
    // closeIdleConnections) from this event on.
    this.on('listening', () => http.emit('listening'));
  }

  /** As http.Server's: a connection that waits for its next request holds nothing up. */
  override close(callback?: (error?: Error) => void): this {
    super.close(callback);
    this.http.closeIdleConnections();
    return this;
  }
}

/**
 * Serves `http` on a port of the host; `http` itself need not listen, and gets `listening` when we
 * do. The returned server is ours: close it to stop.
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
 * An agent whose requests go through the host: `http.get(url, { agent })`. The URL's host must be a
 * number or a name of /etc/hosts.
 */
export class HostAgent extends Agent {
  private readonly host: Host;

  constructor(host: Host, options?: AgentOptions) {
    super(options);
    this.host = host;
  }

  /**
   * @internal What http.Agent calls for each connection that it needs; `path` is the request's, not
   *   a pipe's.
   */
  override createConnection(options: {
    port?: number | string | null | undefined;
    path?: string | null;
  }): Duplex {
    const o = { noDelay: true, ...options, port: Number(options.port ?? 80), path: undefined };
    return netOf(this.host).connect(o as NetConnectOptions);
  }
}
