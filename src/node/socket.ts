/**
 * A TCP socket as `node:net` has it, on a connection of ours.
 *
 *     write() ─▶ Writable's buffer ─▶ conn.send (copied) ─▶ the send buffer
 *        └─────── a large chunk ────▶ conn.sendZeroCopy ────────┘
 *     the receive queue ─▶ conn.receive ─▶ push() while the reader takes it ─▶ 'data'
 *
 * What the reader does not take stays in the connection, so back-pressure reaches the peer as a closing window.
 */
import { Duplex } from 'node:stream';
import type { Connection } from '../tcp/connection.js';
import { State } from '../tcp/state.js';
import { sendUrgent, urgentLeft } from '../tcp/urgent.js';
import { TcpEvent, type TcpUser } from '../tcp/user.js';
import type { Flow } from '../stack/flow.js';
import { addressOf } from './address.js';
import { checkPort, nodeError, systemError, throwLater } from './errors.js';
import type { Host } from './host.js';
import { SocketBase, type SocketOptions } from './socket-base.js';

export interface ConnectOptions {
  readonly port: number;
  /** A number or `localhost`: the stack has no resolver. Default: `localhost`. */
  readonly host?: string;
  readonly localAddress?: string;
  readonly localPort?: number;
  /** What is written in the same turn may go with the SYN (RFC 7413). Only for data that may arrive twice without harm. */
  readonly fastOpen?: boolean;
}

/** Who counts its sockets: a server. */
export interface SocketOwner {
  socketClosed(): void;
}

type WriteCallback = (error?: Error | null) => void;

/** A smaller chunk is copied sooner than it is looked after. */
const ZERO_COPY_FROM_BYTES = 32_768;
/** Of the send buffer, the eighth that may still be on its way when `drain` comes. */
const DRAIN_SHIFT = 3;

export class Socket extends SocketBase implements TcpUser {
  private owner: SocketOwner | null = null;
  /** The write under way: what is left of this chunk, then of `rest` from `restAt` on. */
  private chunk: Uint8Array | null = null;
  private rest: { chunk: Uint8Array }[] | null = null;
  private restAt = 0;
  private callback: WriteCallback | null = null;
  private onFinal: WriteCallback | null = null;
  /** Chunks on their way that `writeUrgent` was given. */
  private urgent: Set<Uint8Array> | null = null;
  /** Fast Open: the connection takes data before it is established. */
  private writesEarly = false;
  /** `write` said false of a chunk that it lent. */
  private drainOwed = false;
  private wantsData = false;
  /** Within `_read`. */
  private reading = false;
  private ended = false;
  private finSent = false;

  constructor(host: Host, options: SocketOptions = {}) {
    super(host, options);
  }

  /** @internal A connection that a server accepted. */
  adopt(conn: Connection, owner: SocketOwner): this {
    conn.user = this;
    this.owner = owner;
    this.bind(conn);
    return this;
  }

  /** Opens a connection: `connect` follows, or `error`. Throws ERR_SOCKET_BAD_PORT. */
  connect(options: ConnectOptions, onConnect?: () => void): this;
  connect(port: number, onConnect?: () => void): this;
  connect(port: number, host: string, onConnect?: () => void): this;
  connect(first: ConnectOptions | number, second?: string | (() => void), third?: () => void): this {
    const o: ConnectOptions =
      typeof first === 'object' ? first : typeof second === 'string' ? { port: first, host: second } : { port: first };
    const onConnect = typeof second === 'function' ? second : third;
    const port = checkPort(o.port, 'Port');
    if (onConnect !== undefined) this.once('connect', onConnect);
    this.connecting = true;
    try {
      this.open(o, port);
    } catch (error) {
      process.nextTick(destroyWith, this, error);
    }
    return this;
  }

  private open(o: ConnectOptions, port: number): void {
    const { host } = this;
    const remote = addressOf(o.host ?? 'localhost');
    const local = o.localAddress === undefined ? {} : { local: addressOf(o.localAddress) };
    try {
      if (!host.isOpen) throw systemError('connect', 'ENETDOWN');
      const localPort = o.localPort === undefined ? {} : { localPort: checkPort(o.localPort, 'options.localPort') };
      const fastOpen = o.fastOpen === true;
      this.bind(host.stack.connect({ remote, remotePort: port, user: this, fastOpen, ...local, ...localPort }));
      this.writesEarly = fastOpen;
    } catch (error) {
      throw systemError('connect', (error as NodeJS.ErrnoException).code ?? 'EINVAL', remote.toString(), port);
    }
  }

  // ---- What the connection tells --------------------------------------------------------------------------------------

  /** @internal A handler that throws, throws as from the event loop: the stack's turn goes on. */
  tcpEvents(conn: Connection, events: number): void {
    if (this.destroyed) {
      if (!isFlushing(conn)) this.forget(conn);
      return;
    }
    this.isActive();
    // What is urgent is told before it is read.
    if ((events & TcpEvent.urgent) !== 0) this.tell(conn, TcpEvent.urgent);
    for (let left = events & ~TcpEvent.urgent; left !== 0; left &= left - 1) this.tell(conn, left & -left);
  }

  private tell(conn: Connection, event: number): void {
    try {
      this.onTcpEvent(conn, event);
    } catch (error) {
      throwLater(error);
    }
  }

  private onTcpEvent(conn: Connection, event: number): void {
    switch (event) {
      case TcpEvent.established:
        if (this.connecting) this.established();
        break;
      case TcpEvent.readable:
        this.pull();
        break;
      case TcpEvent.writable:
        this.sendRest();
        break;
      case TcpEvent.endOfStream:
        this.endOfStream();
        break;
      case TcpEvent.zeroCopyDone:
        this.drain(conn);
        break;
      case TcpEvent.urgent:
        this.emit('urgent', urgentLeft(conn));
        break;
      case TcpEvent.softError:
        this.emit('softError', systemError('read', conn.softError ?? 'ETIMEDOUT'));
        break;
      case TcpEvent.error:
        this.failed(conn);
        break;
      case TcpEvent.closed:
        this.connectionClosed(conn);
        break;
      default: // acked: only who is gone waits for it
    }
  }

  private established(): void {
    this.connecting = false;
    try {
      this.emit('connect');
      this.emit('ready');
    } finally {
      this.sendRest();
      if (this.onFinal !== null) this.sendFin();
      // Somebody must see the peer's end, also when nobody reads.
      if (this.readable && !this.isPaused()) this.read(0);
    }
  }

  /** What came before the reset may still be read, as in Linux: the error comes behind it, unless a write waits: a pipe would read no more before its `drain`. */
  private failed(conn: Connection): void {
    if (this.destroyed) return;
    const code = conn.error ?? 'ECONNRESET';
    if (this.connecting) {
      const { remote, remotePort } = conn.flow as Flow;
      this.destroy(systemError('connect', code, remote.toString(), remotePort));
    } else if (conn.receiveQueued === 0 || this.isWriterWaiting) {
      // EPIPE: the peer's end was seen, only who writes can be told.
      const writes = code === 'EPIPE' || (this.isWriterWaiting && !this.wantsData);
      this.destroy(systemError(writes ? 'write' : 'read', code));
    }
  }

  /** For the callback of a write, or for `drain` after one that was not copied. */
  private get isWriterWaiting(): boolean {
    return this.callback !== null || this.drainOwed;
  }

  /** In good order, both ends were seen: then the streams' own endings destroy the socket. Else nothing more will come of it. */
  private connectionClosed(conn: Connection): void {
    if (conn.error === null && !(this.finSent && conn.rcv.finReceived)) this.destroy();
  }

  // ---- Reading ----------------------------------------------------------------------------------------------------------

  /** @internal */
  override _read(): void {
    this.wantsData = true;
    this.reading = true;
    this.pull();
    this.reading = false;
  }

  /** Hands over what waits while the reader takes it. */
  private pull(): void {
    const { conn } = this;
    if (conn === null || !this.wantsData) return;
    let taken = false;
    let silent = false;
    const heard = this.listenerCount('data') > 0;
    while (this.wantsData) {
      // Who took his listener away may set another one before the next turn of the event loop: with `node:net` that is when the next piece comes.
      silent = taken && heard && this.readableFlowing === true && this.listenerCount('data') === 0;
      if (silent) break;
      const piece = conn.receive();
      if (piece === null) break;
      taken = true;
      this.bytesRead += piece.length;
      if (this.flowsBy()) this.emit('data', asBuffer(piece));
      else this.wantsData = this.push(asBuffer(piece));
    }
    // Reading may have opened the window: the peer must hear of it.
    if (taken && conn.rcv.ackNow) this.host.stack.wake(conn);
    if (silent) setImmediate(() => this.destroyed || this.pull());
    if (conn.receiveQueued > 0) return;
    if (conn.rcv.finReceived) this.endOfStream();
    else if (conn.error !== null) this.failed(conn);
  }

  /**
   * Who listens to `data` and takes all as it comes needs none of Readable's books: `push` would emit it, too, and then ask in a next tick of its own whether to read
   * more. The first piece goes by `push`, for `readableDidRead`, and so does what `read()` itself asked for.
   */
  private flowsBy(): boolean {
    const flows = this.readableFlowing === true && this.readableLength === 0 && this.readableDidRead;
    return flows && !this.reading && this.readableEncoding === null && this.listenerCount('data') > 0;
  }

  private endOfStream(): void {
    if (this.ended || this.conn === null || this.conn.receiveQueued > 0) return;
    this.ended = true;
    this.push(null);
    // Nobody may be reading: then 'end' would never come, and the socket never go.
    if (this.readableLength === 0 && !this.readableFlowing) this.read(0);
  }

  // ---- Writing ------------------------------------------------------------------------------------------------------------

  /**
   * As Duplex has it. A chunk without a callback goes to the connection at once when nothing waits before it: Writable would do the same, and a next tick later see that nobody asked.
   * A large one goes out from where it stands when the peer is near, where a copy would cost more than all the rest. That is safe for a program which uses its memory again at `drain`: until then the chunk's bytes must not change, as with `node:net`.
   */
  override write(chunk: unknown, encoding?: BufferEncoding | WriteCallback, callback?: WriteCallback): boolean {
    // Writable checks an encoding, also of what needs none, and calls back.
    const plain = callback === undefined && encoding === undefined;
    if (!plain || !(chunk instanceof Uint8Array) || !this.takesAtOnce()) {
      return super.write(chunk, encoding as BufferEncoding, callback);
    }
    const conn = this.conn!;
    if (chunk.length >= ZERO_COPY_FROM_BYTES) {
      if (conn.snd.isNear && conn.sendZeroCopy(chunk)) return this.lent();
    } else if (chunk.length > 0 && chunk.length < this.writableHighWaterMark && chunk.length <= conn.sendRoom) {
      const taken = conn.send(chunk);
      this.isActive();
      this.host.stack.wake(conn);
      return taken === chunk.length || super.write(chunk.subarray(taken));
    }
    return super.write(chunk);
  }

  /** Nothing waits before it in the stream's own buffer, nor is the stream in any special state. */
  private takesAtOnce(): boolean {
    const isOpen = this.conn !== null && !this.connecting && this.writable && this.urgent === null;
    return isOpen && this.writableLength === 0 && this.writableCorked === 0 && !this.drainOwed;
  }

  private lent(): boolean {
    const conn = this.conn!;
    this.isActive();
    this.host.stack.wake(conn);
    this.drainOwed = conn.sendRoom === 0;
    return !this.drainOwed;
  }

  static {
    // An accessor in Node, a property in its types.
    Object.defineProperty(this.prototype, 'writableNeedDrain', {
      get(this: Socket): boolean {
        return this.drainOwed || Reflect.get(Duplex.prototype, 'writableNeedDrain', this);
      },
    });
  }

  /** `drain` promises that all earlier chunks may change: the last few are copied, so that the connection has more to send before it is idle. */
  private drain(conn: Connection): void {
    if (!this.drainOwed || conn.lentToSend > conn.sendBuffer >> DRAIN_SHIFT) return;
    conn.keepLent();
    this.drainOwed = false;
    this.emit('drain');
  }

  /** @internal */
  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: WriteCallback): void {
    this.chunk = chunk;
    this.callback = callback;
    this.sendRest();
  }

  /** @internal */
  override _writev(chunks: { chunk: Uint8Array }[], callback: WriteCallback): void {
    this.rest = chunks;
    this.restAt = 0;
    this.callback = callback;
    this.sendRest();
  }

  /**
   * As `write`, and the peer's program is told at once that these bytes are urgent, the last one above all: send(2) with MSG_OOB. For old protocols; RFC 6093
   * advises against it. The other way round there is the event `urgent`, and `conn` with tcp/urgent.ts: a byte that is
   * out of line is taken in the handler, or lost when the stream is read past it.
   */
  writeUrgent(data: Uint8Array, callback?: WriteCallback): boolean {
    const chunk = Buffer.from(data); // an object that is in no other write
    if (!this.writableEnded) (this.urgent ??= new Set()).add(chunk);
    return this.write(chunk, callback);
  }

  /** Gives the connection as much as it takes; the callback comes when it took all (it has copied it by then). */
  private sendRest(): void {
    const { conn, callback } = this;
    if (callback === null || conn === null || (this.connecting && !this.writesEarly)) return;
    this.isActive();
    conn.keepLent(); // the callback stands for all that was written before, too
    for (;;) {
      if (this.chunk === null) {
        const next = this.rest === null ? undefined : this.rest[this.restAt++];
        if (next === undefined) break;
        this.chunk = next.chunk;
      }
      const urgent = this.urgent?.delete(this.chunk) === true;
      const taken = urgent ? sendUrgent(conn, this.chunk) : conn.send(this.chunk);
      this.takenOfWrite += taken;
      if (taken < this.chunk.length) {
        if (isOver(conn)) {
          this.writeEnds()!(systemError('write', conn.error ?? 'EPIPE'));
          return;
        }
        if (taken > 0) this.chunk = this.chunk.subarray(taken);
        if (urgent) this.urgent?.add(this.chunk);
        this.host.stack.wake(conn);
        return;
      }
      this.chunk = null;
    }
    this.host.stack.wake(conn);
    this.writeEnds()!();
  }

  /** Forgets the write under way; what remains is to call the callback. */
  private writeEnds(): WriteCallback | null {
    const { callback } = this;
    this.chunk = null;
    this.rest = null;
    this.callback = null;
    this.takenOfWrite = 0;
    return callback;
  }

  /** @internal */
  override _final(callback: WriteCallback): void {
    this.onFinal = callback;
    if (this.conn !== null && !this.connecting) this.sendFin();
  }

  /** CLOSE: FIN follows what is queued. */
  private sendFin(): void {
    const { host } = this;
    const conn = this.conn!;
    const done = this.onFinal!;
    this.onFinal = null;
    this.finSent = true;
    conn.keepLent(); // `finish` promises what `drain` does
    conn.shutdown(host.clock());
    host.stack.wake(conn);
    // As in `net`, where shutdown(2) reports later: whoever writes after end() gets his error without a `finish` before it.
    process.nextTick(done, conn.error === null ? null : systemError('shutdown', conn.error));
  }

  // ---- Ending -------------------------------------------------------------------------------------------------------------

  /** @internal close(2): FIN behind what was written, or RST when something that came was not read. */
  override _destroy(error: Error | null, callback: WriteCallback): void {
    const { conn, host } = this;
    this.connecting = false;
    this.stopIdleTimer();
    if (conn !== null) {
      const wasOver = isOver(conn);
      conn.keepLent();
      conn.release(host.clock()); // also of one that is over: what nobody read takes memory
      if (!wasOver) host.stack.wake(conn);
    }
    this.writeEnds()?.(error);
    // What was written is still on its way: the process must not end before it is there.
    if (conn === null || !isFlushing(conn)) this.forget(conn);
    callback(error);
    this.owner?.socketClosed();
    this.owner = null;
    process.nextTick(emitClose, this, error !== null);
  }

  private forget(conn: Connection | null): void {
    if (conn !== null) conn.user = null;
    this.letHostGo();
  }

  /** RST to the peer, `close` here. */
  resetAndDestroy(): this {
    const { conn, host } = this;
    if (conn === null) return this.destroy(nodeError(new Error('Socket is closed'), 'ERR_SOCKET_CLOSED'));
    if (!this.destroyed) {
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
}

const isOver = (conn: Connection): boolean => conn.state === State.closed || conn.state === State.timeWait;

/** Our FIN was not acknowledged, and perhaps not all that goes before it. */
const isFlushing = ({ state }: Connection): boolean =>
  state === State.finWait1 || state === State.closing || state === State.lastAck;

/** The same bytes as a Buffer, without a copy. */
const asBuffer = (piece: Uint8Array): Buffer =>
  Buffer.isBuffer(piece) ? piece : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);

function emitClose(socket: Socket, hadError: boolean): void {
  socket.emit('close', hadError);
}

function destroyWith(socket: Socket, error: Error): void {
  socket.destroy(error);
}
