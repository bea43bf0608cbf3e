/** A TCP server as `node:net` has it, on a listener of ours. */
import { EventEmitter } from 'node:events';
import type { Flow } from '../stack/flow.js';
import type { Listener } from '../stack/listener.js';
import type { Connection } from '../tcp/connection.js';
import { addressOf } from './address.js';
import { checkPort, nodeError, systemError, throwLater } from './errors.js';
import type { Host } from './host.js';
import type { SocketAddress, SocketOptions } from './socket-base.js';
import { Socket, type SocketOwner } from './socket.js';

/** For each socket. */
export interface ServerOptions extends Pick<SocketOptions, 'allowHalfOpen' | 'highWaterMark'> {
  readonly noDelay?: boolean;
  readonly keepAlive?: boolean;
  /** Milliseconds. */
  readonly keepAliveInitialDelay?: number;
  /** Nothing is read before the handler says so. */
  readonly pauseOnConnect?: boolean;
}

export interface ListenOptions {
  /** Default 0: one that is free. */
  readonly port?: number;
  /** A number or `localhost`. Default: every address of the host. */
  readonly host?: string;
  /** Connections that may wait, half-open and established each. Default 511. */
  readonly backlog?: number;
  /** Takes data in SYNs, of so many connections at a time whose handshake is not over (TCP_FASTOPEN, RFC 7413). Default: none. */
  readonly fastOpen?: number;
  /** Aborting closes the server. */
  readonly signal?: AbortSignal;
}

/** Events: `listening`, `connection` (socket), `drop` (who was refused), `close`, `error`. */
export class Server extends EventEmitter implements SocketOwner {
  /** Most sockets at a time; more are reset, with a `drop` event. */
  maxConnections: number | undefined = undefined;
  private readonly host: Host;
  private readonly options: ServerOptions;
  private listener: Listener | null = null;
  private open = 0;
  private closing = false;
  private referenced = false;
  private wantsRef = true;

  constructor(
    host: Host,
    options: ServerOptions | ((socket: Socket) => void) = {},
    onConnection?: (socket: Socket) => void,
  ) {
    super();
    this.host = host;
    this.options = typeof options === 'function' ? {} : options;
    const handler = typeof options === 'function' ? options : onConnection;
    if (handler !== undefined) this.on('connection', handler);
  }

  /** `listen(port, host?, backlog?, callback?)` or `listen(options, callback?)`. Throws ERR_SERVER_ALREADY_LISTEN; other errors are events. */
  listen(first: number | ListenOptions = 0, ...more: unknown[]): this {
    if (this.listener !== null) {
      throw nodeError(
        new Error('Listen method has been called more than once without closing.'),
        'ERR_SERVER_ALREADY_LISTEN',
      );
    }
    const o: ListenOptions = typeof first === 'object' ? first : { port: first, ...positional(more) };
    const callback = more.find((x): x is () => void => typeof x === 'function');
    if (callback !== undefined) this.once('listening', callback);
    const port = checkPort(o.port ?? 0, 'options.port');
    const any = o.host === undefined || o.host === '0.0.0.0' || o.host === '::';
    try {
      if (!this.host.isOpen) throw systemError('listen', 'ENETDOWN');
      const address = any ? null : addressOf(o.host);
      this.listener = this.host.stack.listen({
        port,
        address,
        ...(o.backlog === undefined ? {} : { backlog: o.backlog }),
        ...(o.fastOpen === undefined ? {} : { fastOpen: o.fastOpen }),
        user: { tcpAccept: (conn) => this.accept(conn) },
      });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'EINVAL';
      const told =
        code === 'ENOTFOUND' ? error : systemError('listen', code, o.host ?? this.anyAddress().address, port);
      process.nextTick(() => this.emit('error', told));
      return this;
    }
    this.host.addServer(this);
    this.closing = false;
    if (this.wantsRef) this.hold();
    if (o.signal?.aborted === true) this.close();
    else o.signal?.addEventListener('abort', () => this.close(), { once: true });
    process.nextTick(() => {
      if (this.listener !== null) this.emit('listening');
    });
    return this;
  }

  private accept(conn: Connection): boolean {
    const { options } = this;
    if (this.maxConnections !== undefined && this.open >= this.maxConnections) {
      this.refuse(conn);
      return true;
    }
    this.open++;
    const socket = new Socket(this.host, options).adopt(conn, this);
    if (options.noDelay === true) conn.setNoDelay(true);
    if (options.keepAlive === true) socket.setKeepAlive(true, options.keepAliveInitialDelay);
    if (options.pauseOnConnect === true) socket.pause();
    try {
      this.emit('connection', socket);
    } catch (error) {
      throwLater(error);
    }
    // Flowing or not is the handler's choice; what it does not read stays in the connection.
    if (!socket.isPaused()) socket.read(0);
    return true;
  }

  private refuse(conn: Connection): void {
    const { local, localPort, remote, remotePort } = conn.flow as Flow;
    conn.abort(this.host.clock());
    this.host.stack.wake(conn);
    this.emit('drop', {
      localAddress: local.toString(),
      localPort,
      localFamily: local.family,
      remoteAddress: remote.toString(),
      remotePort,
      remoteFamily: remote.family,
    });
  }

  /** @internal */
  socketClosed(): void {
    this.open--;
    this.emitCloseIfDone();
  }

  get listening(): boolean {
    return this.listener !== null;
  }

  /** Null when not listening. Without a host it is every address, as `::` or `0.0.0.0`. */
  address(): SocketAddress | null {
    const { listener } = this;
    if (listener === null) return null;
    if (listener.address !== null) {
      return { address: listener.address.toString(), family: listener.address.family, port: listener.port };
    }
    return { ...this.anyAddress(), port: listener.port };
  }

  private anyAddress(): { address: string; family: 'IPv4' | 'IPv6' } {
    const v6 = this.host.stack.addresses.list.some((a) => a.version === 6);
    return v6 ? { address: '::', family: 'IPv6' } : { address: '0.0.0.0', family: 'IPv4' };
  }

  /** Takes nobody new; `close` comes when the last socket is gone. */
  close(callback?: (error?: Error) => void): this {
    if (this.listener === null) {
      const error = nodeError(new Error('Server is not running.'), 'ERR_SERVER_NOT_RUNNING');
      if (callback !== undefined) this.once('close', () => callback(error));
      this.closing = true;
      this.emitCloseIfDone();
      return this;
    }
    if (callback !== undefined)
      this.once('close', () => {
        callback();
      });
    this.listener.close();
    this.listener = null;
    this.host.removeServer(this);
    this.closing = true;
    this.letGo();
    this.emitCloseIfDone();
    return this;
  }

  private emitCloseIfDone(): void {
    if (!this.closing || this.open > 0) return;
    this.closing = false;
    process.nextTick(() => this.emit('close'));
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    process.nextTick(callback, null, this.open);
    return this;
  }

  ref(): this {
    this.wantsRef = true;
    if (this.listener !== null) this.hold();
    return this;
  }

  unref(): this {
    this.wantsRef = false;
    this.letGo();
    return this;
  }

  private hold(): void {
    if (this.referenced) return;
    this.referenced = true;
    this.host.ref();
  }

  private letGo(): void {
    if (!this.referenced) return;
    this.referenced = false;
    this.host.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) =>
      this.close(() => {
        resolve();
      }),
    );
  }
}

/** What may stand between the port and the callback: a host, a backlog. */
function positional(more: unknown[]): { host?: string; backlog?: number } {
  const host = more.find((x): x is string => typeof x === 'string');
  const backlog = more.find((x): x is number => typeof x === 'number');
  return { ...(host === undefined ? {} : { host }), ...(backlog === undefined ? {} : { backlog }) };
}
