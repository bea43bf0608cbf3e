/**
 * A TCP server with the interface of `net.Server`, on a listener of the stack.
 *
 *     handshake done ─▶ the listener's accept queue
 *                    ─▶ in the server's turn: accept(), a Socket, 'connection'
 */
import { AsyncResource } from 'node:async_hooks';
import { addAbortListener, EventEmitter } from 'node:events';
import { Address } from '../ip/address.js';
import { entryOf } from '../stack/tcp/entry.js';
import type { Listener } from '../stack/tcp/listener.js';
import type { Connection } from '../tcp/connection.js';
import type { TcpUser } from '../tcp/connection.js';
import { TcpEvent } from '../tcp/events.js';
import {
  checkFunction,
  checkNumber,
  checkPort,
  nodeError,
  splitArguments,
  systemError,
  wrongType,
  wrongValue,
} from './errors.js';
import type { Host } from './host.js';
import { lookupIn } from './hosts-file.js';
import { HIGH_WATER_MARK, type SocketAddress, type SocketOptions } from './socket-base.js';
import { Socket, type SocketOwner } from './socket.js';
import type { Teller } from './turns.js';

/** The options of each accepted socket. */
export interface ServerOptions extends Omit<SocketOptions, 'signal'> {
  /** Accepted sockets are paused until the handler calls `resume`. */
  readonly pauseOnConnect?: boolean | undefined;
}

export interface ListenOptions {
  /** Default 0: any free port. */
  readonly port?: number | string | null | undefined;
  /**
   * An address, or a name in /etc/hosts. Default: every address of the host; `0.0.0.0`: every IPv4
   * address.
   */
  readonly host?: string | undefined;
  /** With `::`: listen on IPv6 only, so that another server can have the port over IPv4. */
  readonly ipv6Only?: boolean | undefined;
  /** Most half-open connections, and most established ones, that may wait. Default 511. */
  readonly backlog?: number | undefined;
  /**
   * TCP_FASTOPEN (RFC 7413): data in SYNs is accepted for at most this number of connections that
   * have not completed their handshake. Default 0: no data is accepted.
   */
  readonly fastOpen?: number | undefined;
  /** Aborting closes the server. */
  readonly signal?: AbortSignal | undefined;
  /** Ignored, because there is no cluster. */
  readonly exclusive?: boolean | undefined;
}

type OnConnection = (socket: Socket) => void;

/** Events: `listening`, `connection` (socket), `drop` (its addresses), `close`, `error`. */
export class Server extends EventEmitter implements SocketOwner, Teller {
  /** Most sockets at a time; more are closed, with a `drop` event. 0 or null: no limit. */
  maxConnections: number | null | undefined = undefined;
  /** For future sockets; may be set at any time. */
  allowHalfOpen: boolean;
  pauseOnConnect: boolean;
  noDelay: boolean;
  keepAlive: boolean;
  keepAliveInitialDelay: number;
  highWaterMark: number;
  /** @internal */
  hasTurn = false;
  private readonly host: Host;
  private listener: Listener | null = null;
  /** The listener's address, for `address()`. */
  private bound: Address | null = null;
  private scope: AsyncResource | null = null;
  /** Counts `listen` and `close`, because a look-up that ends after either is ignored. */
  private calls = 0;
  private open = 0;
  private referenced = false;
  private wantsRef = true;

  constructor(
    host: Host,
    options?: ServerOptions | OnConnection | null,
    onConnection?: OnConnection,
  ) {
    super();
    this.host = host;
    if (!['undefined', 'object', 'function'].includes(typeof options)) {
      throw wrongType('options', 'of type object', options);
    }
    const handler = typeof options === 'function' ? options : onConnection;
    const o: ServerOptions = typeof options === 'function' ? {} : (options ?? {});
    if (typeof handler === 'function') this.on('connection', handler);
    if (o.keepAliveInitialDelay !== undefined)
      checkNumber(o.keepAliveInitialDelay, 'options.keepAliveInitialDelay');
    if (o.highWaterMark !== undefined) checkNumber(o.highWaterMark, 'options.highWaterMark');
    this.allowHalfOpen = Boolean(o.allowHalfOpen);
    this.pauseOnConnect = Boolean(o.pauseOnConnect);
    this.noDelay = Boolean(o.noDelay);
    this.keepAlive = Boolean(o.keepAlive);
    this.keepAliveInitialDelay = Math.max(0, o.keepAliveInitialDelay ?? 0);
    this.highWaterMark =
      o.highWaterMark !== undefined && o.highWaterMark >= 0 ? o.highWaterMark : HIGH_WATER_MARK;
  }

  // ---- Listening --------------------------------------------------------------------------------

  /**
   * `listen(port?, host?, backlog?, callback?)` or `listen(options, callback?)`. Throws
   * ERR_SERVER_ALREADY_LISTEN, and for invalid arguments; other errors are events.
   */
  listen(...args: [first?: unknown, ...more: unknown[]]): this {
    const { options, callback } = splitArguments<ListenOptions & { path?: unknown }>(args);
    if (this.listener !== null) {
      const text = 'Listen method has been called more than once without closing.';
      throw nodeError(new Error(text), 'ERR_SERVER_ALREADY_LISTEN');
    }
    if (callback !== null) this.once('listening', callback);
    const o = {
      ...options,
      port: portOf(args, options),
      backlog: options.backlog || backlogOf(args) || undefined,
    };
    const call = ++this.calls;
    if (o.signal !== undefined) this.closeOnAbort(o.signal);
    if (!o.host) {
      this.bindTo(null, o);
      return this;
    }
    lookupIn(this.host)(o.host, {}, (error, found) => {
      if (call !== this.calls) return;
      if (error === null) this.bindTo(Address.parse(found as string), o);
      else this.emit('error', error);
    });
    return this;
  }

  private closeOnAbort(signal: AbortSignal): void {
    if (!(signal instanceof AbortSignal))
      throw wrongType('options.signal', 'an instance of AbortSignal', signal);
    if (signal.aborted) process.nextTick(() => this.close());
    else {
      const disposable = addAbortListener(signal, () => this.close());
      this.once('close', () => {
        disposable[Symbol.dispose]();
      });
    }
  }

  /** `address` null: every address. */
  private bindTo(address: Address | null, o: { port: number } & Omit<ListenOptions, 'port'>): void {
    const { host } = this;
    const everywhere =
      address === null || (address.isUnspecified && address.version === 6 && o.ipv6Only !== true);
    this.bound = address ?? anyAddress(host);
    this.scope = new AsyncResource('TCPSERVERWRAP', { requireManualDestroy: true });
    try {
      if (!host.isOpen) throw systemError('listen', 'ENETDOWN');
      this.listener = host.stack.listen({
        port: o.port,
        address: everywhere ? null : address,
        ...(o.backlog === undefined ? {} : { backlog: o.backlog }),
        ...(o.fastOpen === undefined ? {} : { fastOpen: o.fastOpen }),
        user: { tcpAccept: (conn) => this.leaveWaiting(conn) },
      });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'EINVAL';
      process.nextTick(
        emitError,
        this,
        systemError('listen', code, { address: this.bound.toString(), port: o.port }),
      );
      return;
    }
    host.addServer(this);
    this.settleHold();
    process.nextTick(emitListening, this);
  }

  get listening(): boolean {
    return this.listener !== null;
  }

  /** Null if not listening. `::` or `0.0.0.0` if the server listens on every address. */
  address(): SocketAddress | null {
    if (this.listener === null) return null;
    return {
      address: this.bound!.toString(),
      family: this.bound!.family,
      port: this.listener.port,
    };
  }

  // ---- Accepting --------------------------------------------------------------------------------

  /** Leaves connections in the accept queue, whose length is limited, until the batch is over. */
  private leaveWaiting(conn: Connection): boolean {
    conn.user = this.queued;
    conn.raise(TcpEvent.established);
    return false;
  }

  /** The user of connections that wait to be accepted. */
  private readonly queued: TcpUser = new Queued(this);

  /** @internal A connection waits to be accepted. */
  ring(): void {
    if (this.untold > 0) this.host.turns.tell(this);
  }

  /** @internal */
  get untold(): number {
    return this.listener?.queue.establishedCount ?? 0;
  }

  /** @internal */
  tellOne(): void {
    const { scope } = this;
    const conn = this.listener?.accept();
    if (conn === undefined || scope === null) return;
    const full = this.maxConnections && this.open >= this.maxConnections;
    if (full) scope.runInAsyncScope(refuse, null, this, conn);
    else
      scope.runInAsyncScope(announce, null, this, OUTSIDE.runInAsyncScope(take, null, this, conn));
  }

  /** @internal */
  take(conn: Connection): Socket {
    const { allowHalfOpen, highWaterMark } = this;
    const socket = new Socket(this.host, { allowHalfOpen, highWaterMark });
    socket.adopt(conn, this, this.pauseOnConnect);
    if (this.noDelay) conn.setNoDelay(true);
    if (this.keepAlive) socket.setKeepAlive(true, this.keepAliveInitialDelay);
    this.open++;
    return socket;
  }

  /** @internal As close(2): FIN, or RST if there is unread data. */
  refuse(conn: Connection): void {
    const { local, localPort, remote, remotePort } = entryOf(conn);
    this.emit('drop', {
      localAddress: local.toString(),
      localPort,
      localFamily: local.family,
      remoteAddress: remote.toString(),
      remotePort,
      remoteFamily: remote.family,
    });
    conn.user = null;
    conn.release(this.host.clock());
    this.host.stack.wake(conn);
  }

  /** captureRejections: the error of a handler that rejects goes to its socket. */
  override [EventEmitter.captureRejectionSymbol](
    error: Error,
    event: string,
    ...args: unknown[]
  ): void {
    if (event === 'connection') (args[0] as Socket).destroy(error);
    else this.emit('error', error);
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    checkFunction(callback, 'callback');
    process.nextTick(callback, null, this.open);
    return this;
  }

  // ---- Closing ----------------------------------------------------------------------------------

  /**
   * Stops accepting connections, and resets those that wait to be accepted. `close` is emitted when
   * the last socket is closed. Without a listener, `callback` gets ERR_SERVER_NOT_RUNNING.
   */
  close(callback?: (error?: Error) => void): this {
    this.calls++;
    const { listener } = this;
    if (typeof callback === 'function') {
      const error = nodeError(new Error('Server is not running.'), 'ERR_SERVER_NOT_RUNNING');
      if (listener !== null) this.once('close', callback);
      else
        this.once('close', () => {
          callback(error);
        });
    }
    if (listener !== null) {
      listener.close(this.host.clock());
      this.listener = null;
      this.scope?.emitDestroy();
      this.scope = null;
      this.host.removeServer(this);
      this.settleHold();
    }
    this.emitCloseIfDone();
    return this;
  }

  /** @internal */
  socketClosed(): void {
    this.open--;
    this.emitCloseIfDone();
  }

  private emitCloseIfDone(): void {
    if (this.listener === null && this.open === 0) process.nextTick(emitClose, this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.listener === null) return;
    await new Promise<void>((resolve) => {
      this.close(() => {
        resolve();
      });
    });
  }

  // ---- The life of the process ------------------------------------------------------------------

  ref(): this {
    this.wantsRef = true;
    this.settleHold();
    return this;
  }

  unref(): this {
    this.wantsRef = false;
    this.settleHold();
    return this;
  }

  private settleHold(): void {
    const waits = this.wantsRef && this.listener !== null;
    if (waits === this.referenced) return;
    this.referenced = waits;
    if (waits) this.host.ref();
    else this.host.unref();
  }
}

class Queued implements TcpUser {
  private readonly server: Server;

  constructor(server: Server) {
    this.server = server;
  }

  tcpEvents(): void {
    this.server.ring();
  }

  /** True if the server is about to accept the connection, so a handler may answer its data. */
  get mayAnswer(): boolean {
    return this.server.hasTurn;
  }
}

/** `::`, which includes IPv4, if the stack has an IPv6 address; else `0.0.0.0`. */
function anyAddress(host: Host): Address {
  const speaksV6 = host.stack.addresses.list.some((a) => a.version === 6);
  return Address.parse(speaksV6 ? '::' : '0.0.0.0');
}

/** The port, by default 0 (any). Throws for an invalid port. */
function portOf(args: readonly unknown[], o: ListenOptions & { path?: unknown }): number {
  const { port } = o;
  const none = args.length === 0 || typeof args[0] === 'function' || port === null;
  if (none || (port === undefined && 'port' in o)) return 0;
  if (typeof port === 'number' || typeof port === 'string') return checkPort(port, 'options.port');
  if (o.path) throw wrongValue('options.path', o.path, 'names a pipe, and a stack has no pipes');
  const why = 'port' in o || 'path' in o ? undefined : 'must have the property "port" or "path"';
  throw wrongValue('options', o, why);
}

/** `(port, backlog)` or `(port, host, backlog)`. */
function backlogOf(args: readonly unknown[]): number {
  return Number(args[1]) || Number(args[2]) || 0;
}

/**
 * The async context of accepted sockets, so that they do not inherit the async stores of the code
 * that happens to run.
 */
const OUTSIDE = new AsyncResource('tcplab');

function take(server: Server, conn: Connection): Socket {
  return server.take(conn);
}

function announce(server: Server, socket: Socket): void {
  server.emit('connection', socket);
}

function refuse(server: Server, conn: Connection): void {
  server.refuse(conn);
}

function emitError(server: Server, error: Error): void {
  server.emit('error', error);
}

function emitListening(server: Server): void {
  if (server.listening) server.emit('listening');
}

function emitClose(server: Server): void {
  server.emit('close');
}
