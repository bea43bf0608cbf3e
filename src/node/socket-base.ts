/** What a socket is and what may be set on it; how bytes and endings pass through it is in `socket.ts`. */
import { addAbortSignal, Duplex } from 'node:stream';
import type { Micros } from '../base/time.js';
import type { Flow, TcpEntry } from '../stack/flow.js';
import { CONGESTION_CONTROLS, type CongestionName } from '../tcp/congestion/index.js';
import type { Connection } from '../tcp/connection.js';
import { nodeError } from './errors.js';
import type { Host } from './host.js';

export interface SocketOptions {
  /** Default false: the peer's end ends our side too. */
  readonly allowHalfOpen?: boolean;
  /** Bytes that each side buffers above the connection's own buffers. Default 65,536, Node's since version 22. */
  readonly highWaterMark?: number;
  /** Aborting destroys the socket, with an AbortError. */
  readonly signal?: AbortSignal;
}

export interface SocketAddress {
  address: string;
  family: 'IPv4' | 'IPv6';
  port: number;
}

const HIGH_WATER_MARK = 65_536;

export abstract class SocketBase extends Duplex {
  /** The connection, for those who want to look inside: `conn.snapshot(now)`. Null before connect. */
  conn: Connection | null = null;
  connecting = false;
  bytesRead = 0;
  /** Milliseconds, as `setTimeout` has it. */
  timeout: number | undefined = undefined;
  protected readonly host: Host;
  /** Bytes that the connection took of the write that is under way. */
  protected takenOfWrite = 0;
  private idleTimer: NodeJS.Timeout | null = null;
  private wantsRef = true;
  private holdsHost = false;
  private typeOfService = 0;
  /** What was set before there was a connection. */
  private early: ((conn: Connection, now: Micros) => void)[] | null = null;

  constructor(host: Host, options: SocketOptions) {
    super({
      allowHalfOpen: options.allowHalfOpen ?? false,
      highWaterMark: options.highWaterMark ?? HIGH_WATER_MARK,
      emitClose: false, // `close` says whether there was an error: we emit it
    });
    this.host = host;
    if (options.signal !== undefined) addAbortSignal(options.signal, this);
  }

  /** From now on this is a socket of `conn`. */
  protected bind(conn: Connection): void {
    this.conn = conn;
    this.early?.forEach((set) => set(conn, this.host.clock()));
    this.early = null;
    if (this.wantsRef) this.holdHost();
  }

  // ---- What it is ---------------------------------------------------------------------------------------------------------

  private get flow(): Flow | null {
    return (this.conn?.flow as Flow | undefined) ?? null;
  }

  get remoteAddress(): string | undefined {
    return this.flow?.remote.toString();
  }

  get remotePort(): number | undefined {
    return this.flow?.remotePort;
  }

  get remoteFamily(): 'IPv4' | 'IPv6' | undefined {
    return this.flow?.remote.family;
  }

  get localAddress(): string | undefined {
    return this.flow?.local.toString();
  }

  get localPort(): number | undefined {
    return this.flow?.localPort;
  }

  get localFamily(): 'IPv4' | 'IPv6' | undefined {
    return this.flow?.local.family;
  }

  /** Our end; `{}` before connect. */
  address(): SocketAddress | Record<string, never> {
    const { flow } = this;
    return flow === null ? {} : { address: flow.local.toString(), family: flow.local.family, port: flow.localPort };
  }

  /** Everything written, whether or not the connection took it yet. */
  get bytesWritten(): number {
    return (this.conn?.stats.bytesOut ?? 0) + this.writableLength - this.takenOfWrite;
  }

  get bufferSize(): number {
    return this.writableLength;
  }

  get pending(): boolean {
    return this.conn === null || this.connecting;
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening';
    if (this.readable && this.writable) return 'open';
    if (this.readable) return 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  // ---- Options ------------------------------------------------------------------------------------------------------------

  /** Nagle's algorithm off, or on again. */
  setNoDelay(on = true): this {
    return this.setOptions((conn) => conn.setNoDelay(on));
  }

  /** `initialDelay`: milliseconds of silence before the first probe; 0 leaves it to the configuration. */
  setKeepAlive(on = false, initialDelay = 0): this {
    return this.setOptions((conn, now) =>
      conn.setKeepAlive(on, now, initialDelay > 0 ? initialDelay * 1000 : undefined),
    );
  }

  /** The byte in IP's header of all that is sent from now on: its DSCP. Throws ERR_OUT_OF_RANGE for what is no byte. */
  setTypeOfService(tos: number): this {
    if (!Number.isInteger(tos) || tos < 0 || tos > 255) {
      const range = `The value of "tos" is out of range. It must be >= 0 && <= 255. Received ${tos}`;
      throw nodeError(new RangeError(range), 'ERR_OUT_OF_RANGE');
    }
    this.typeOfService = tos;
    return this.setOptions((conn) => this.host.stack.setTypeOfService(conn, tos));
  }

  /** What `setTypeOfService` set; ECN's two bits are TCP's own and not part of it once there is a connection. */
  getTypeOfService(): number {
    return (this.conn?.flow as TcpEntry | undefined)?.tos ?? this.typeOfService;
  }

  /** TCP_CONGESTION: who says how much may be in flight, from now on. Throws ERR_INVALID_ARG_VALUE for a name that there is not. */
  setCongestionControl(name: CongestionName): this {
    if (!Object.hasOwn(CONGESTION_CONTROLS, name)) {
      const known = Object.keys(CONGESTION_CONTROLS).join(', ');
      const text = `The argument 'name' is invalid: there are ${known}. Received '${String(name)}'`;
      throw nodeError(new TypeError(text), 'ERR_INVALID_ARG_VALUE');
    }
    return this.setOptions((conn, now) => conn.setCongestionControl(name, now));
  }

  /**
   * setsockopt: whatever else the connection has to set (tcp/socket-options.ts: cork, user timeout, linger, TCP_MAXSEG, TCP_NOTSENT_LOWAT, ...), at once or as soon as there is a
   * connection, before its SYN; what that lets go out goes. What `set` throws for a bad value is thrown here, or destroys the socket.
   *
   *     socket.setOptions((conn) => conn.setCork(true))
   */
  setOptions(set: (conn: Connection, now: Micros) => void): this {
    const { conn } = this;
    if (conn === null) (this.early ??= []).push(set);
    else if (!this.destroyed) {
      set(conn, this.host.clock());
      this.host.stack.wake(conn);
    }
    return this;
  }

  /** `timeout` when nothing happened for so many milliseconds; 0 switches it off. The socket stays open. */
  setTimeout(milliseconds: number, callback?: () => void): this {
    this.timeout = milliseconds;
    this.stopIdleTimer();
    if (callback !== undefined) {
      if (milliseconds === 0) this.off('timeout', callback);
      else this.once('timeout', callback);
    }
    if (milliseconds > 0 && !this.destroyed) {
      this.idleTimer = setTimeout(emitTimeout, milliseconds, this);
      this.idleTimer.unref();
    }
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

  // ---- The life of the process ----------------------------------------------------------------------------------------

  /** Keeps the process alive while open: the default. */
  ref(): this {
    this.wantsRef = true;
    if (this.conn !== null && !this.destroyed) this.holdHost();
    return this;
  }

  unref(): this {
    this.wantsRef = false;
    this.letHostGo();
    return this;
  }

  private holdHost(): void {
    if (this.holdsHost) return;
    this.holdsHost = true;
    this.host.ref();
  }

  protected letHostGo(): void {
    if (!this.holdsHost) return;
    this.holdsHost = false;
    this.host.unref();
  }
}

const emitTimeout = (socket: SocketBase): void => {
  socket.emit('timeout');
};
