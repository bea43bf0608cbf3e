/**
 * A TCP socket as `node:net` has it, on a connection of ours.
 *
 *     write() ─▶ Writable's buffer ─▶ conn.send (copied) ─▶ the send buffer
 *     the receive queue ─▶ conn.receive ─▶ push() while the reader takes it ─▶ 'data'
 *
 * What the reader does not take stays in the connection, so back-pressure reaches the peer as a closing window.
 */
import { Duplex } from 'node:stream';
import type { Address } from '../ip/address.js';
import type { Connection } from '../tcp/connection.js';
import { State } from '../tcp/state.js';
import { TcpEvent, type TcpUser } from '../tcp/user.js';
import type { Flow } from '../stack/flow.js';
import { systemError } from './errors.js';
import type { Host } from './host.js';

export interface SocketOptions {
  /** Default false: the peer's end ends our side too. */
  readonly allowHalfOpen?: boolean;
  readonly highWaterMark?: number;
}

export interface SocketAddress {
  address: string;
  family: 'IPv4' | 'IPv6';
  port: number;
}

type WriteCallback = (error?: Error | null) => void;

/** As net.Socket's since Node 20. */
const HIGH_WATER_MARK = 65_536;

export class Socket extends Duplex implements TcpUser {
  /** The connection, for those who want to look inside: `conn.snapshot(now)`. Null before connect. */
  conn: Connection | null = null;
  connecting = false;
  bytesRead = 0;
  timeout: number | undefined = undefined;
  private readonly host: Host;
  private chunk: Uint8Array | null = null;
  private rest: { chunk: Uint8Array }[] | null = null;
  private restAt = 0;
  private callback: WriteCallback | null = null;
  private onFinal: WriteCallback | null = null;
  private onDestroyed: WriteCallback | null = null;
  private destroyError: Error | null = null;
  private wantsData = false;
  private ended = false;
  private referenced = false;
  private idleTimer: NodeJS.Timeout | null = null;

  constructor(host: Host, options: SocketOptions = {}) {
    super({
      allowHalfOpen: options.allowHalfOpen ?? false,
      highWaterMark: options.highWaterMark ?? HIGH_WATER_MARK,
      decodeStrings: true,
      emitClose: false,
      autoDestroy: true,
    });
    this.host = host;
  }

  /** @internal A connection that a server accepted, or that `connect` opened. */
  adopt(conn: Connection): this {
    this.conn = conn;
    conn.user = this;
    this.ref();
    return this;
  }

  /** Opens a connection. Errors come as `error` events, as in `node:net`. */
  connect(remote: Address, port: number, local?: { address?: Address; port?: number }): this {
    this.connecting = true;
    try {
      const conn = this.host.stack.connect({
        remote,
        remotePort: port,
        user: this,
        ...(local?.address ? { local: local.address } : {}),
        ...(local?.port ? { localPort: local.port } : {}),
      });
      this.adopt(conn);
    } catch (error) {
      const code = (error as { code?: string }).code ?? 'EINVAL';
      this.connecting = false;
      process.nextTick(() => this.destroy(systemError('connect', code, remote.toString(), port)));
    }
    return this;
  }

  // ---- What the connection tells --------------------------------------------------------------------------------------

  /** @internal */
  tcpEvents(conn: Connection, events: number): void {
    if (this.idleTimer !== null) this.idleTimer.refresh();
    if (events & TcpEvent.established && this.connecting) this.established();
    if (events & TcpEvent.readable) this.pull();
    if (events & TcpEvent.writable) this.sendRest();
    if (events & TcpEvent.endOfStream) this.endOfStream();
    if (events & TcpEvent.error) this.failed(conn);
    if (events & TcpEvent.closed) this.connectionClosed();
  }

  private established(): void {
    this.connecting = false;
    this.emit('connect');
    this.emit('ready');
    this.sendRest();
    if (this.onFinal !== null) this.final();
    if (this.wantsData) this.pull();
  }

  private failed(conn: Connection): void {
    const code = conn.error ?? 'ECONNRESET';
    if (this.connecting) {
      const { remote, remotePort } = conn.flow as Flow;
      this.connecting = false;
      this.destroy(systemError('connect', code, remote.toString(), remotePort));
    } else if (!this.destroyed) {
      this.destroy(systemError(this.callback === null ? 'read' : 'write', code));
    }
  }

  private connectionClosed(): void {
    if (this.onFinal !== null) {
      const done = this.onFinal;
      this.onFinal = null;
      done();
    }
    // After our FIN and the peer's nothing more comes; a reader that is slow still gets what waits.
    if (this.conn !== null && this.conn.error === null && !this.ended && this.conn.rcv.finReceived) this.endOfStream();
    if (this.onDestroyed !== null) this.finishDestroy();
    else if (this.conn?.error === null && !this.conn.rcv.finReceived && !this.destroyed) this.destroy();
  }

  // ---- Reading ----------------------------------------------------------------------------------------------------------

  override _read(): void {
    this.wantsData = true;
    this.pull();
  }

  /** Hands over what waits while the reader takes it. */
  private pull(): void {
    const { conn } = this;
    if (conn === null || !this.wantsData) return;
    let taken = false;
    while (this.wantsData) {
      const piece = conn.receive();
      if (piece === null) break;
      taken = true;
      this.bytesRead += piece.length;
      this.wantsData = this.push(asBuffer(piece));
    }
    // Reading may have opened the window: the peer must hear of it.
    if (taken && conn.rcv.ackNow) this.host.stack.wake(conn);
    if (conn.rcv.finReceived && conn.receiveQueued === 0) this.endOfStream();
  }

  private endOfStream(): void {
    if (this.ended || this.conn === null || this.conn.receiveQueued > 0) return;
    this.ended = true;
    this.push(null);
    // Nobody may be reading: then 'end' would never come, and the socket never go.
    if (this.readableLength === 0 && !this.readableFlowing) this.read(0);
  }

  // ---- Writing ------------------------------------------------------------------------------------------------------------

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: WriteCallback): void {
    this.chunk = chunk;
    this.callback = callback;
    this.sendRest();
  }

  override _writev(chunks: { chunk: Uint8Array }[], callback: WriteCallback): void {
    this.rest = chunks;
    this.restAt = 0;
    this.callback = callback;
    this.sendRest();
  }

  /** Gives the connection as much as it takes; the callback comes when it took all (it has copied it by then). */
  private sendRest(): void {
    const { conn, callback } = this;
    if (callback === null || conn === null || this.connecting) return;
    for (;;) {
      if (this.chunk === null) {
        const next = this.rest === null ? undefined : this.rest[this.restAt++];
        if (next === undefined) break;
        this.chunk = next.chunk;
      }
      const taken = conn.send(this.chunk);
      if (taken < this.chunk.length) {
        if (conn.state === State.closed || conn.state === State.timeWait) {
          this.callback = null;
          callback(systemError('write', conn.error ?? 'EPIPE'));
          return;
        }
        this.chunk = taken === 0 ? this.chunk : this.chunk.subarray(taken);
        this.host.stack.wake(conn);
        return;
      }
      this.chunk = null;
    }
    this.rest = null;
    this.callback = null;
    this.host.stack.wake(conn);
    callback();
  }

  override _final(callback: WriteCallback): void {
    this.onFinal = callback;
    if (this.conn !== null && !this.connecting) this.final();
  }

  /** CLOSE: FIN follows what is queued. */
  private final(): void {
    const done = this.onFinal!;
    this.onFinal = null;
    const { conn, host } = this;
    if (conn !== null) {
      conn.shutdown(host.clock());
      host.stack.wake(conn);
    }
    done();
  }

  // ---- Ending -------------------------------------------------------------------------------------------------------------

  override _destroy(error: Error | null, callback: WriteCallback): void {
    if (this.idleTimer !== null) clearTimeout(this.idleTimer);
    this.idleTimer = null;
    this.destroyError = error;
    this.onDestroyed = callback;
    const { conn, host } = this;
    if (conn !== null && conn.state !== State.closed && conn.state !== State.timeWait) {
      conn.release(host.clock());
      host.stack.wake(conn);
    }
    this.finishDestroy();
  }

  private finishDestroy(): void {
    const done = this.onDestroyed!;
    this.onDestroyed = null;
    const { destroyError } = this;
    if (this.conn !== null) this.conn.user = null;
    this.unrefHost();
    done(destroyError);
    process.nextTick(emitClose, this, destroyError !== null);
  }

  /** RST to the peer, `close` here. */
  resetAndDestroy(): this {
    const { conn, host } = this;
    if (conn !== null && !this.destroyed) {
      conn.user = null;
      conn.abort(host.clock());
      host.stack.wake(conn);
    }
    return this.destroy();
  }

  /** Destroys once everything written is sent. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
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

  address(): SocketAddress | Record<string, never> {
    const { flow } = this;
    return flow === null ? {} : { address: flow.local.toString(), family: flow.local.family, port: flow.localPort };
  }

  get bytesWritten(): number {
    return (this.conn?.stats.bytesOut ?? 0) + this.writableLength;
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

  setNoDelay(on = true): this {
    this.conn?.setNoDelay(on);
    if (this.conn !== null) this.host.stack.wake(this.conn);
    return this;
  }

  /** `initialDelay`: milliseconds of silence before the first probe. */
  setKeepAlive(on = false, initialDelay = 0): this {
    const idle = initialDelay > 0 ? initialDelay * 1000 : undefined;
    this.conn?.setKeepAlive(on, this.host.clock(), idle);
    if (this.conn !== null) this.host.stack.wake(this.conn);
    return this;
  }

  /** `timeout` when nothing happened for so many milliseconds; 0 switches it off. The socket stays open. */
  setTimeout(milliseconds: number, callback?: () => void): this {
    this.timeout = milliseconds;
    if (this.idleTimer !== null) clearTimeout(this.idleTimer);
    this.idleTimer = null;
    if (callback !== undefined) {
      if (milliseconds === 0) this.off('timeout', callback);
      else this.once('timeout', callback);
    }
    if (milliseconds > 0 && !this.destroyed) {
      this.idleTimer = setTimeout(() => this.emit('timeout'), milliseconds);
      this.idleTimer.unref();
    }
    return this;
  }

  ref(): this {
    if (!this.referenced && this.conn !== null && !this.destroyed) {
      this.referenced = true;
      this.host.ref();
    }
    return this;
  }

  unref(): this {
    this.unrefHost();
    return this;
  }

  private unrefHost(): void {
    if (!this.referenced) return;
    this.referenced = false;
    this.host.unref();
  }
}

/** The same bytes as a Buffer, without a copy. */
const asBuffer = (piece: Uint8Array): Buffer =>
  Buffer.isBuffer(piece) ? piece : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);

function emitClose(socket: Socket, hadError: boolean): void {
  socket.emit('close', hadError);
}
