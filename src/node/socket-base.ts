/**
 * A socket's properties and options. `socket.ts` has the transfer of data and the close.
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
  /** Default false: the peer's FIN ends our side too. */
  readonly allowHalfOpen?: boolean | undefined;
  /**
   * Bytes that the stream buffers in each direction, besides the connection's own buffers. Default
   * 65,536, as in Node since version 22.
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

/** Throws ERR_INVALID_ARG_VALUE for object modes, which sockets do not support. */
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
 * The options for the Duplex. The object always has the same shape, because the stream's
 * constructors are several times slower if the shapes of their options vary.
 */
function streamOptions(options: SocketOptions): DuplexOptions {
  const o: DuplexOptions = options;
  return {
    allowHalfOpen: Boolean(o.allowHalfOpen),
    highWaterMark: o.highWaterMark ?? HIGH_WATER_MARK,
    emitClose: false, // the socket emits `close` itself, with the argument hadError
    signal: o.signal,
    encoding: o.encoding,
    defaultEncoding: o.defaultEncoding,
  };
}

export abstract class SocketBase extends Duplex {
  /**
   * The connection, for example for `conn.snapshot(now)`. Null before connect; kept after `close`.
   */
  conn: Connection | null = null;
  connecting = false;
  bytesRead = 0;
  /** Milliseconds, as set by `setTimeout`. */
  timeout: number | undefined = undefined;
  protected readonly host: Host;
  /**
   * The async context of the events: that of the call of `connect`, or, for an accepted socket, of
   * its server.
   */
  protected scope: AsyncResource | null = null;
  /** Bytes of the current write, and how many of them the connection took. */
  protected bytesOfWrite = 0;
  protected takenOfWrite = 0;
  protected wantsRef = true;
  /** `bytesWritten` after the socket was destroyed. */
  private writtenAtEnd = 0;
  private idleTimer: NodeJS.Timeout | null = null;
  private holdsHost = false;
  private typeOfService = 0;
  /** As in Node, it stays known after the end if the program has read it before. */
  private peer: Flow | null = null;
  /** Options set before there was a connection; set again each time the socket connects. */
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

  /** Connects the socket with `conn`. */
  protected bind(conn: Connection): void {
    this.conn = conn;
    this.early?.forEach((set) => set(conn, this.host.clock()));
  }

  /** Resets the socket before each connect. */
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
   * True if there is a connection, or an attempt at one, and the socket is not destroyed (in Node:
   * it has a handle).
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

  /** The local end; `{}` without a connection. */
  address(): SocketAddress | Record<string, never> {
    const flow = this.localEnd;
    return flow === null
      ? {}
      : { address: flow.local.toString(), family: flow.local.family, port: flow.localPort };
  }

  /** All bytes written, including those that the connection has not taken yet. */
  get bytesWritten(): number {
    if (this.destroyed) return this.writtenAtEnd;
    return (this.conn?.stats.bytesOut ?? 0) + this.writableLength - this.takenOfWrite;
  }

  /** Fixes `bytesWritten` at the end; writes behind the current one do not count. */
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

  /** Turns Nagle's algorithm off (`on` true) or on. */
  setNoDelay(on = true): this {
    return this.setOptions((conn) => conn.setNoDelay(Boolean(on)));
  }

  /**
   * `initialDelay`: milliseconds of silence before the first probe; 0: as configured.
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
   * Sets the traffic class byte (DSCP) of all packets from now on, 0..255. Throws ERR_OUT_OF_RANGE.
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
   * The value set by `setTypeOfService`. Once there is a connection it does not include the two ECN
   * bits, because TCP sets those.
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
   * setsockopt(2) for the connection's other options (tcp/connection.ts: cork, user timeout,
   * linger, TCP_MAXSEG, TCP_NOTSENT_LOWAT, ...). `set` is called at once, or as soon as there is a
   * connection, before its SYN; then the stack sends what the options allow. An error that `set`
   * throws is thrown here, or destroys the socket.
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
   * Emits `timeout` after this number of milliseconds without activity; 0 turns it off. The socket
   * stays open.
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

  /** Restarts the timeout after activity. */
  protected isActive(): void {
    if (this.idleTimer !== null) this.idleTimer.refresh();
  }

  protected stopIdleTimer(): void {
    if (this.idleTimer !== null) clearTimeout(this.idleTimer);
    this.idleTimer = null;
  }

  // ---- The life of the process ------------------------------------------------------------------

  /** The socket keeps the process alive while it waits for something. This is the default. */
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

  /** True if the socket waits for something that must keep the process alive. */
  protected abstract get isWaiting(): boolean;

  /** Must be called whenever `isWaiting` may have changed. */
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
