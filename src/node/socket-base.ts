/**
 * What a socket is and what may be set on it; how bytes and endings pass through it is in
 * `socket.ts`.
 */
import { AsyncResource } from 'node:async_hooks';
import { Duplex, type DuplexOptions } from 'node:stream';
import type { Micros } from '../base/time.js';
import type { Flow } from '../stack/flow.js';
import { entryOf } from '../stack/tcp/entry.js';
import { CONGESTION_CONTROLS, type CongestionName } from '../tcp/congestion/index.js';
import type { Connection } from '../tcp/connection.js';
import { checkDuration, checkFunction, checkNumber, nodeError, wrongValue } from './errors.js';
import type { Host } from './host.js';

export interface SocketOptions {
  /** Default false: the peer's end ends our side too. */
  readonly allowHalfOpen?: boolean | undefined;
  /**
   * Bytes that each side buffers above the connection's own buffers. Default 65,536, Node's since
   * version 22.
   */
  readonly highWaterMark?: number | undefined;
  /** Aborting destroys the socket, with an AbortError. */
  readonly signal?: AbortSignal | undefined;
  readonly noDelay?: boolean | undefined;
  readonly keepAlive?: boolean | undefined;
  /** Milliseconds. */
  readonly keepAliveInitialDelay?: number | undefined;
}

export interface SocketAddress {
  address: string;
  family: 'IPv4' | 'IPv6';
  port: number;
}

export const HIGH_WATER_MARK = 65_536;

/** Streams of objects are no sockets. */
function checkModes(options: DuplexOptions): void {
  const { objectMode, readableObjectMode, writableObjectMode } = options;
  if (objectMode) refuse('objectMode', objectMode);
  if (readableObjectMode) refuse('readableObjectMode', readableObjectMode);
  if (writableObjectMode) refuse('writableObjectMode', writableObjectMode);
}

function refuse(option: string, value: unknown): never {
  throw wrongValue(`options.${option}`, value, 'is not supported');
}

/**
 * What a Duplex takes of a socket's options. Always an object of the same shape: the stream's
 * constructors are several times slower when the shapes of their options vary.
 */
function streamOptions(options: SocketOptions): DuplexOptions {
  const o: DuplexOptions = options;
  return {
    allowHalfOpen: Boolean(o.allowHalfOpen),
    highWaterMark: o.highWaterMark ?? HIGH_WATER_MARK,
    emitClose: false, // `close` says whether there was an error: we emit it
    signal: o.signal,
    encoding: o.encoding,
    defaultEncoding: o.defaultEncoding,
  };
}

export abstract class SocketBase extends Duplex {
  /**
   * The connection, to look inside: `conn.snapshot(now)`. Null before connect; kept after `close`.
   */
  conn: Connection | null = null;
  connecting = false;
  bytesRead = 0;
  /** Milliseconds, as `setTimeout` has it. */
  timeout: number | undefined = undefined;
  protected readonly host: Host;
  /**
   * In whose async context events are told: made where the socket connects, or in its server's when
   * it is accepted.
   */
  protected scope: AsyncResource | null = null;
  /** Bytes of the write under way, and how many of them the connection took. */
  protected bytesOfWrite = 0;
  protected takenOfWrite = 0;
  protected wantsRef = true;
  /** `bytesWritten` once the socket is destroyed. */
  private writtenAtEnd = 0;
  private idleTimer: NodeJS.Timeout | null = null;
  private holdsHost = false;
  private typeOfService = 0;
  /** As in Node it is known after the end, too, to a program that asked before. */
  private peer: Flow | null = null;
  /** What was set before there was a connection; set again should the socket connect once more. */
  private early: ((conn: Connection, now: Micros) => void)[] | null = null;

  constructor(host: Host, options: SocketOptions = {}) {
    checkModes(options);
    super(streamOptions(options));
    this.host = host;
    const { keepAliveInitialDelay: delay } = options;
    if (delay !== undefined) checkNumber(delay, 'options.keepAliveInitialDelay');
    if (options.noDelay) this.setNoDelay(true);
    if (options.keepAlive) this.setKeepAlive(true, delay);
  }

  /** From now on this is a socket of `conn`. */
  protected bind(conn: Connection): void {
    this.conn = conn;
    this.early?.forEach((set) => set(conn, this.host.clock()));
  }

  /** Before it connects, be it for the first time or once more. */
  protected renew(): void {
    this.conn = null;
    this.peer = null;
    this.bytesRead = 0;
    this.writtenAtEnd = 0;
    this.bytesOfWrite = 0;
    this.takenOfWrite = 0;
    this.scope = new AsyncResource('TCPWRAP', { requireManualDestroy: true });
  }

  // ---- What it is -------------------------------------------------------------------------------

  /**
   * There is a connection, or an attempt at one, as long as the socket is not destroyed: Node's
   * handle.
   */
  protected get isAttached(): boolean {
    return this.scope !== null && !this.destroyed;
  }

  private get localEnd(): Flow | null {
    return this.isAttached && this.conn !== null ? entryOf(this.conn) : null;
  }

  private get remoteEnd(): Flow | null {
    if (this.isAttached && !this.connecting) this.peer ??= entryOf(this.conn!);
    return this.peer;
  }

  get remoteAddress(): string | undefined {
    return this.remoteEnd?.remote.toString();
  }

  get remotePort(): number | undefined {
    return this.remoteEnd?.remotePort;
  }

  get remoteFamily(): 'IPv4' | 'IPv6' | undefined {
    return this.remoteEnd?.remote.family;
  }

  get localAddress(): string | undefined {
    return this.localEnd?.local.toString();
  }

  get localPort(): number | undefined {
    return this.localEnd?.localPort;
  }

  get localFamily(): 'IPv4' | 'IPv6' | undefined {
    return this.localEnd?.local.family;
  }

  /** Our end; `{}` without a connection. */
  address(): SocketAddress | Record<string, never> {
    const flow = this.localEnd;
    return flow === null
      ? {}
      : { address: flow.local.toString(), family: flow.local.family, port: flow.localPort };
  }

  /** Everything written, whether or not the connection took it yet. */
  get bytesWritten(): number {
    if (this.destroyed) return this.writtenAtEnd;
    return (this.conn?.stats.bytesOut ?? 0) + this.writableLength - this.takenOfWrite;
  }

  /** What waits behind the write under way is not counted any more. */
  protected keepBytesWritten(): void {
    this.writtenAtEnd = (this.conn?.stats.bytesOut ?? 0) + this.bytesOfWrite - this.takenOfWrite;
  }

  get bufferSize(): number | undefined {
    return this.isAttached ? this.writableLength : undefined;
  }

  get pending(): boolean {
    return !this.isAttached || this.connecting;
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening';
    if (this.readable && this.writable) return 'open';
    if (this.readable) return 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  // ---- Options ----------------------------------------------------------------------------------

  /** Nagle's algorithm off, or on again. */
  setNoDelay(on = true): this {
    return this.setOptions((conn) => conn.setNoDelay(Boolean(on)));
  }

  /**
   * `initialDelay`: milliseconds of silence before the first probe; 0 leaves it to the
   * configuration.
   */
  setKeepAlive(on = false, initialDelay = 0): this {
    return this.setOptions((conn, now) =>
      conn.setKeepAlive(
        Boolean(on),
        now,
        initialDelay > 0 ? Math.round(initialDelay * 1000) : undefined,
      ),
    );
  }

  /**
   * The byte in IP's header of all that is sent from now on: its DSCP. Throws ERR_OUT_OF_RANGE for
   * what is no byte.
   */
  setTypeOfService(tos: number): this {
    if (!Number.isInteger(tos) || tos < 0 || tos > 255) {
      const range = 'The value of "tos" is out of range. It must be >= 0 && <= 255.';
      throw nodeError(new RangeError(`${range} Received ${tos}`), 'ERR_OUT_OF_RANGE');
    }
    this.typeOfService = tos;
    return this.setOptions((conn) => this.host.stack.setTypeOfService(conn, tos));
  }

  /**
   * What `setTypeOfService` set; ECN's two bits are TCP's own and not part of it once there is a
   * connection.
   */
  getTypeOfService(): number {
    return this.conn === null ? this.typeOfService : entryOf(this.conn).tos;
  }

  /**
   * TCP_CONGESTION: selects the congestion control from now on. Throws ERR_INVALID_ARG_VALUE if the
   * name is unknown.
   */
  setCongestionControl(name: CongestionName): this {
    if (!Object.hasOwn(CONGESTION_CONTROLS, name)) {
      const known = Object.keys(CONGESTION_CONTROLS).join(', ');
      const text = `The argument 'name' is invalid: there are ${known}. Received '${String(name)}'`;
      throw nodeError(new TypeError(text), 'ERR_INVALID_ARG_VALUE');
    }
    return this.setOptions((conn, now) => conn.setCongestionControl(name, now));
  }

  /**
   * setsockopt: whatever else the connection has to set (tcp/connection.ts: cork, user timeout,
   * linger, TCP_MAXSEG, TCP_NOTSENT_LOWAT, ...), at once or as soon as there is a connection,
   * before its SYN; what that lets go out goes. What `set` throws for a bad value is thrown here,
   * or destroys the socket.
   *
   *     socket.setOptions((conn) => conn.setCork(true))
   */
  setOptions(set: (conn: Connection, now: Micros) => void): this {
    const { conn } = this;
    if (conn === null || !this.isAttached) (this.early ??= []).push(set);
    else {
      set(conn, this.host.clock());
      this.host.stack.wake(conn);
    }
    return this;
  }

  /**
   * `timeout` is emitted when nothing happens for this number of milliseconds; 0 switches it off.
   * The socket stays open.
   */
  setTimeout(milliseconds: number, callback?: () => void): this {
    if (this.destroyed) return this;
    this.timeout = milliseconds;
    const wait = checkDuration(milliseconds, 'msecs');
    this.stopIdleTimer();
    if (wait > 0) this.idleTimer = setTimeout(emitTimeout, wait, this).unref();
    if (callback === undefined) return this;
    checkFunction(callback, 'callback');
    if (wait === 0) this.off('timeout', callback);
    else this.once('timeout', callback);
    return this;
  }

  /** Something happened. */
  protected isActive(): void {
    if (this.idleTimer !== null) this.idleTimer.refresh();
  }

  protected stopIdleTimer(): void {
    if (this.idleTimer !== null) clearTimeout(this.idleTimer);
    this.idleTimer = null;
  }

  // ---- The life of the process ------------------------------------------------------------------

  /** Keeps the process alive while it waits for something: the default. */
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

  /** Does it wait for something that shall keep the process alive? */
  protected abstract get isWaiting(): boolean;

  /** To be called whenever `isWaiting` may have changed. */
  protected settleHold(): void {
    const waits = this.isWaiting;
    if (waits === this.holdsHost) return;
    this.holdsHost = waits;
    if (waits) this.host.ref();
    else this.host.unref();
  }
}

const emitTimeout = (socket: SocketBase): void => {
  socket.emit('timeout');
};
