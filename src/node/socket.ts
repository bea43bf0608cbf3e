/**
 * A TCP socket with the interface of `net.Socket`, on a connection of the stack.
 *
 *     the receive queue ─▶ conn.receive ─▶ push() while the reader takes it ─▶ 'data'
 *     write() ─▶ socket-writer.ts
 *
 * Data that the reader does not take stays in the connection, so back-pressure reaches the peer as
 * a smaller window. The connection reports only that something happened. In its turn (turns.ts) the
 * socket reads the connection's state and emits the events for it.
 */
import type { AsyncResource } from 'node:async_hooks';
import { Buffer } from 'node:buffer';
import process from 'node:process';
import type { Connection } from '../tcp/connection.js';
import { urgentLeft } from '../tcp/urgent.js';
import type { TcpUser } from '../tcp/connection.js';
import { TcpEvent } from '../tcp/events.js';
import { Address } from '../ip/address.js';
import {
  checkConnect,
  Connecting,
  type Attempt,
  type Connector,
  type ConnectOptions,
} from './connecting.js';
import { nodeError, splitArguments, systemError, wrongValue } from './errors.js';
import { lookupIn, type Lookup } from './hosts-file.js';
import { isOver, SocketWriter, type WriteCallback } from './socket-writer.js';

export type { ConnectOptions } from './connecting.js';

/** The owner of a socket, a server, which counts its sockets. */
export interface SocketOwner {
  socketClosed(): void;
}

/** State of a destroyed socket whose `close` is due. */
interface Ending {
  readonly scope: AsyncResource;
  readonly hadError: boolean;
  /** Calls the callback of a write that was interrupted. */
  readonly unsent: (() => void) | null;
}

/** Events that the connection's state does not show. */
const NEWS = TcpEvent.established | TcpEvent.urgent | TcpEvent.softError;

export class Socket extends SocketWriter implements TcpUser, Connector {
  /** The server that accepted it; node:http puts its own here. */
  server: unknown = null;
  autoSelectFamilyAttemptedAddresses?: string[] | undefined;
  /** Events that wait for their turn. */
  private news = 0;
  private owner: SocketOwner | null = null;
  /** The user has not been told of the last packets yet. */
  private hearsLater = false;
  private attempts: Connecting | null = null;
  /** The stream's buffer has room, so received data must be handed over. */
  private wantsData = false;
  private ended = false;
  private ending: Ending | null = null;

  /** @internal A connection that a server accepted. */
  adopt(conn: Connection, owner: SocketOwner, paused: boolean): this {
    this.renew();
    conn.user = this;
    conn.takeEvents(); // the state shows everything but urgent data
    if (urgentLeft(conn) > 0) this.news |= TcpEvent.urgent;
    this.server = owner;
    this.owner = owner;
    this.bind(conn);
    if (paused) this.pause();
    else this.read(0);
    this.hearsLater = this.untold > 0;
    if (!this.hearsLater) this.host.stack.wake(conn); // its ACK waited for the server too
    return this;
  }

  // ---- Connecting -------------------------------------------------------------------------------

  /**
   * Opens a connection; `connect` or `error` follows. A closed socket can connect again. Throws
   * ERR_MISSING_ARGS, ERR_SOCKET_BAD_PORT and others for invalid arguments.
   */
  connect(options: ConnectOptions, onConnect?: () => void): this;
  connect(port: number, onConnect?: () => void): this;
  connect(port: number, host: string, onConnect?: () => void): this;
  connect(...args: unknown[]): this {
    const { options: o, callback } = splitArguments<ConnectOptions & { path?: string }>(args);
    checkConnect(o);
    if (o.path) throw wrongValue('options.path', o.path, 'names a pipe, and a stack has no pipes');
    if (callback !== null) this.once('connect', callback);
    if (!this.isAttached) this.renew();
    this.isActive();
    this.connecting = true;
    this.attempts = new Connecting(this, o);
    this.attempts.start();
    this.settleHold();
    return this;
  }

  protected override renew(): void {
    if (this.destroyed) {
      (this as unknown as { _undestroy(): void })._undestroy();
      this.wantsRef = true;
    }
    this.news = 0;
    this.hearsLater = false;
    this.wantsData = false;
    this.ended = false;
    super.renew();
  }

  /** @internal */
  get defaultLookup(): Lookup {
    return lookupIn(this.host);
  }

  /** @internal */
  checkBind({ localAddress, localPort, family }: Attempt): void {
    try {
      this.host.stack.checkBind(Address.parse(localAddress!), family, localPort ?? 0);
    } catch (error) {
      throw systemError('bind', codeOf(error), { address: localAddress, port: localPort });
    }
  }

  /** @internal */
  open({ address, family, port, localAddress, localPort, fastOpen }: Attempt): void {
    const { host, conn } = this;
    if (conn !== null && !isOver(conn)) {
      const local = `${this.localAddress}:${this.localPort}`;
      throw systemError('connect', conn.isOpening ? 'EALREADY' : 'EISCONN', {
        address,
        port,
        local,
      });
    }
    try {
      if (!host.isOpen) throw systemError('connect', 'ENETDOWN');
      const from = localAddress === undefined ? null : Address.parse(localAddress);
      const local = from === null || from.isUnspecified ? {} : { local: from };
      const to = { remote: Address.parse(address), remotePort: port, localPort: localPort ?? 0 };
      this.bind(host.stack.connect({ ...to, ...local, user: this, fastOpen }, host.clock()));
    } catch (error) {
      const local = `${localAddress ?? (family === 4 ? '0.0.0.0' : '::')}:${localPort ?? 0}`;
      throw systemError('connect', codeOf(error), { address, port, local });
    }
    if (fastOpen) this.takeEarly();
  }

  /** @internal */
  abandon(): void {
    const { conn } = this;
    this.conn = null;
    this.news = 0;
    this.hearsLater = false;
    if (conn !== null) this.release(conn);
  }

  private established(): void {
    this.connecting = false;
    this.attempts?.stop();
    this.attempts = null;
    try {
      this.emit('connect');
      this.emit('ready');
    } finally {
      if (!this.destroyed) {
        if (this.feed()) this.tellWrite();
        this.sendFin();
        if (!this.isPaused()) this.read(0);
      }
    }
  }

  // ---- What the connection tells ----------------------------------------------------------------

  /** @internal */
  tcpEvents(conn: Connection, events: number): void {
    if (conn === this.conn && !this.destroyed) {
      this.isActive();
      this.news |= events & NEWS;
      // The data moves at once; the events for it wait for the socket's turn.
      if ((events & TcpEvent.writable) !== 0 || isOver(conn)) this.feed();
      if (this.untold > 0) this.hearsLater = !this.host.turns.tell(this);
    }
    if (this.destroyed) this.forgetIfDone(conn);
    this.settleHold();
  }

  /** @internal How many events wait, at least. */
  get untold(): number {
    const { conn, news } = this;
    if (this.ending !== null) return 1;
    if (conn === null || this.destroyed) return 0;
    if (this.connecting) return (news & TcpEvent.established) !== 0 || isOver(conn) ? 1 : 0;
    // `close` follows `finish` if both sides have ended, so both rounds are set together.
    let n = this.finishOwed === null ? 0 : 1 + Number(this.ended);
    n += (news & (TcpEvent.urgent | TcpEvent.softError)) === 0 ? 0 : 1;
    if (this.wantsData)
      n += conn.rcv.queue.pieces + (conn.rcv.finReceived || conn.error !== null ? 1 : 0);
    if (this.outcome !== undefined || this.isDrained || this.hasFailed || this.isCut) n++;
    return n;
  }

  /** @internal */
  get mayAnswer(): boolean {
    return this.hearsLater && this.hasTurn;
  }

  /** @internal */
  tellOne(): void {
    if (this.ending !== null) {
      this.tellClose(this.ending);
      return;
    }
    if (this.hearsLater) {
      this.hearsLater = false;
      this.host.stack.wake(this.conn!);
    }
    this.scope!.runInAsyncScope(tellDue, null, this);
    this.settleHold();
  }

  /** @internal */
  tellDue(): void {
    const { conn } = this;
    if (conn === null || this.destroyed) return;
    if (this.connecting) this.tellOpening(conn);
    else if (this.finishOwed !== null) this.tellFinish();
    else if (this.news !== 0 && this.tellNews(conn)) return;
    else if (this.wantsData && this.tellReading(conn)) return;
    else if (this.outcome !== undefined) this.tellWrite();
    else if (this.hasFailed) this.destroy(systemError('write', conn.error!));
    else if (this.isDrained) this.tellDrain();
    else if (this.isCut) this.destroy();
  }

  private tellOpening(conn: Connection): void {
    if ((this.news & TcpEvent.established) !== 0) {
      this.news &= ~TcpEvent.established;
      this.established();
    } else if (conn.error !== null) this.attempts!.refused(conn.error);
    else if (isOver(conn)) this.destroy();
  }

  /** Emits `urgent` before the urgent data is read, and soft errors. */
  private tellNews(conn: Connection): boolean {
    const event = this.news & (TcpEvent.urgent | TcpEvent.softError);
    if ((event & TcpEvent.urgent) !== 0) {
      this.news &= ~TcpEvent.urgent;
      this.emit('urgent', urgentLeft(conn));
    } else if (event !== 0) {
      this.news &= ~TcpEvent.softError;
      this.emit('softError', systemError('read', conn.softError ?? 'ETIMEDOUT'));
    } else this.news = 0;
    return event !== 0;
  }

  /** True if a socket that only writes must report the connection's error through its write. */
  private get hasFailed(): boolean {
    return this.conn!.error !== null && this.isWriting && !this.wantsData;
  }

  /** True if the connection ended without a close and without an error: the stack was closed. */
  private get isCut(): boolean {
    const conn = this.conn!;
    return isOver(conn) && conn.error === null && !(this.finSent && conn.rcv.finReceived);
  }

  // ---- Reading ----------------------------------------------------------------------------------

  /** @internal */
  override _read(): void {
    if (this.ended) return;
    this.wantsData = true;
    // Data that waits already comes in a turn of its own.
    if (this.untold > 0) this.host.turns.later(this);
    this.settleHold();
  }

  /**
   * Emits one piece of the stream, its end, or its failure. As in Linux, data that came before a
   * reset can still be read.
   */
  private tellReading(conn: Connection): boolean {
    const piece = conn.receive();
    if (piece !== null) {
      this.bytesRead += piece.length;
      // Reading has opened the window, and the peer may wait for that update.
      if (conn.rcv.ackNow) {
        this.host.stack.wake(conn);
        this.host.turns.hurry();
      }
      if (this.flowsBy()) this.emit('data', asBuffer(piece));
      else this.wantsData = this.push(asBuffer(piece));
    } else if (conn.rcv.finReceived) this.endOfStream();
    else if (conn.error !== null) this.destroy(systemError('read', conn.error));
    else return false;
    return true;
  }

  /**
   * True if `data` can be emitted directly, because a flowing reader needs none of Readable's
   * bookkeeping. `push` would also emit it, but would then schedule a tick to ask for more. The
   * first piece goes through `push`, which sets `readableDidRead`.
   */
  private flowsBy(): boolean {
    const flows =
      this.readableFlowing === true && this.readableLength === 0 && this.readableDidRead;
    return flows && this.readableEncoding === null && this.listenerCount('data') > 0;
  }

  private endOfStream(): void {
    this.ended = true;
    this.wantsData = false;
    this.push(null);
    // Without a reader, 'end' would otherwise never be emitted, and the socket would never close.
    this.read(0);
  }

  // ---- Ending -----------------------------------------------------------------------------------

  protected get isWaiting(): boolean {
    const { conn } = this;
    if (this.wantsRef && this.owesPeer) return true;
    if (this.destroyed) return false;
    if (this.connecting || this.isWriting) return true;
    return this.wantsRef && this.wantsData && conn !== null && !isOver(conn);
  }

  /**
   * @internal close(2): sends a FIN after the written data, or a RST if received data was not read.
   */
  override _destroy(error: Error | null, callback: WriteCallback): void {
    const { conn, owner, scope } = this;
    this.keepBytesWritten();
    const unsent = this.connecting ? null : this.cutWrite();
    this.connecting = false;
    this.attempts?.stop();
    this.attempts = null;
    this.stopIdleTimer();
    this.hearsLater = false;
    if (conn !== null) this.release(conn);
    this.scope = null;
    this.settleHold();
    callback(error);
    owner?.socketClosed();
    if (scope === null) process.nextTick(emitClose, this, false);
    else {
      this.ending = { scope, hadError: error !== null, unsent };
      this.host.turns.later(this);
    }
  }

  private tellClose({ scope, hadError, unsent }: Ending): void {
    this.ending = null;
    this.tellFinish();
    unsent?.();
    try {
      scope.runInAsyncScope(emitClose, null, this, hadError);
    } finally {
      scope.emitDestroy();
    }
  }

  private release(conn: Connection): void {
    const wasOver = isOver(conn);
    conn.keepLent();
    conn.release(this.host.clock()); // even if it is over, because unread data takes memory
    if (!wasOver) this.host.stack.wake(conn);
    this.forgetIfDone(conn);
  }

  /** Keeps the process alive until the written data is acknowledged. */
  private forgetIfDone(conn: Connection): void {
    if (conn !== this.conn || !this.owesPeer) conn.user = null;
  }

  /** Sends a RST to the peer and closes the socket. */
  resetAndDestroy(): this {
    const { conn, host } = this;
    if (!this.isAttached)
      return this.destroy(nodeError(new Error('Socket is closed'), 'ERR_SOCKET_CLOSED'));
    if (this.connecting) return this.once('connect', () => this.resetAndDestroy());
    conn!.abort(host.clock());
    host.stack.wake(conn!);
    return this.destroy();
  }

  /** Destroys the socket after all written data is sent. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'EINVAL';

/** The same bytes as a Buffer, without a copy. */
const asBuffer = (piece: Uint8Array): Buffer =>
  Buffer.isBuffer(piece) ? piece : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);

function tellDue(socket: Socket): void {
  socket.tellDue();
}

function emitClose(socket: Socket, hadError: boolean): void {
  socket.emit('close', hadError);
}
