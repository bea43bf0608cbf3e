/**
 * The sending half of a socket.
 *
 *     write() ─▶ Writable's buffer ─▶ conn.send (copied) ─▶ the send buffer
 *        └─────── a large chunk ────▶ conn.sendZeroCopy ────────┘
 *
 * A write's callback is called at once if the connection takes all of the data, else as a separate
 * event in the async context of the write.
 */
import { AsyncResource } from 'node:async_hooks';
import { Duplex } from 'node:stream';
import type { Connection } from '../tcp/connection.js';
import { State } from '../tcp/state.js';
import { nodeError, systemError } from './errors.js';
import { SocketBase } from './socket-base.js';
import type { Teller } from './turns.js';

export type WriteCallback = (error?: Error | null) => void;

/** For smaller chunks a copy is cheaper than zero copy. */
const ZERO_COPY_FROM_BYTES = 32_768;
/** `drain` comes when at most an eighth (2^-3) of the send buffer is still lent data. */
const DRAIN_SHIFT = 3;

export const isOver = (conn: Connection): boolean =>
  conn.state === State.closed || conn.state === State.timeWait;

export abstract class SocketWriter extends SocketBase implements Teller {
  /** @internal */
  hasTurn = false;
  abstract readonly untold: number;
  abstract tellOne(): void;
  protected finSent = false;
  /** The result of the current write: null for success, undefined while it continues. */
  protected outcome: Error | null | undefined = undefined;
  /** The current write: the rest of this chunk, then `rest` from `restAt` on. */
  private chunk: Uint8Array | null = null;
  private rest: { chunk: Uint8Array }[] | null = null;
  private restAt = 0;
  private callback: WriteCallback | null = null;
  /** The async context of a write that does not complete at once. */
  private writeScope: AsyncResource | null = null;
  private onFinal: WriteCallback | null = null;
  /** Our side is closed; this callback must still tell Writable, in the context of `end`. */
  protected finishOwed: WriteCallback | null = null;
  private endScope: AsyncResource | null = null;
  /** Chunks from `writeUrgent` that the connection has not taken yet. */
  private urgent: Set<Uint8Array> | null = null;
  /** Fast Open: the connection accepts data before it is established. */
  private writesEarly = false;
  /** `write` returned false for a chunk that it lent, so `drain` must follow. */
  private drainOwed = false;

  protected override renew(): void {
    super.renew();
    this.finSent = false;
    this.writesEarly = false;
    this.drainOwed = false;
    this.onFinal = null;
  }

  // ---- What Writable calls ----------------------------------------------------------------------

  /**
   * As Duplex's. A chunk without a callback goes to the connection directly if no other waits
   * before it. Writable would do the same, but would also schedule a tick for the absent callback.
   * If the peer is near, a large chunk is sent without a copy, because the copy would cost more
   * than all other work. As with `node:net`, the chunk's bytes must not change until `drain`.
   */
  override write(
    chunk: unknown,
    encoding?: BufferEncoding | WriteCallback,
    callback?: WriteCallback,
  ): boolean {
    if (this.writableEnded && this.endedByPeer) {
      return this.refuseAfterEnd(typeof encoding === 'function' ? encoding : callback);
    }
    // Writable handles callbacks and checks encodings, so those calls take the ordinary path.
    const plain = callback === undefined && encoding === undefined;
    if (!plain || !(chunk instanceof Uint8Array) || !this.takesAtOnce()) {
      return super.write(chunk, encoding as BufferEncoding, callback);
    }
    const conn = this.conn!;
    if (chunk.length >= ZERO_COPY_FROM_BYTES) {
      if (conn.snd.isNear && conn.sendZeroCopy(chunk)) return this.lent();
    } else if (
      chunk.length > 0 &&
      chunk.length < this.writableHighWaterMark &&
      chunk.length <= conn.sendRoom
    ) {
      const taken = conn.send(chunk);
      this.isActive();
      this.host.stack.wake(conn);
      return taken === chunk.length || super.write(chunk.subarray(taken));
    }
    return super.write(chunk);
  }

  /**
   * True if `end` was emitted for the peer's FIN and our side ended with it. A later write then has
   * an error of its own.
   */
  private get endedByPeer(): boolean {
    return this.readableEnded && !this.allowHalfOpen;
  }

  private refuseAfterEnd(callback: WriteCallback | undefined): boolean {
    const error = nodeError(new Error('This socket has been ended by the other party'), 'EPIPE');
    if (callback !== undefined) process.nextTick(callback, error);
    this.destroy(error);
    return false;
  }

  /** True if the stream's own buffer is empty and the stream is in no special state. */
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
    // In Node this is an accessor, but its types say a property.
    Object.defineProperty(this.prototype, 'writableNeedDrain', {
      get(this: SocketWriter): boolean {
        return this.drainOwed || Reflect.get(Duplex.prototype, 'writableNeedDrain', this);
      },
    });
  }

  /** @internal */
  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: WriteCallback): void {
    this.startWrite(chunk, null, chunk.length, callback);
  }

  /** @internal */
  override _writev(chunks: { chunk: Uint8Array }[], callback: WriteCallback): void {
    let bytes = 0;
    for (const { chunk } of chunks) bytes += chunk.length;
    this.startWrite(null, chunks, bytes, callback);
  }

  private startWrite(
    chunk: Uint8Array | null,
    rest: { chunk: Uint8Array }[] | null,
    bytes: number,
    callback: WriteCallback,
  ): void {
    if (!this.isAttached) {
      callback(nodeError(new Error('Socket is closed'), 'ERR_SOCKET_CLOSED'));
      return;
    }
    this.chunk = chunk;
    this.rest = rest;
    this.restAt = 0;
    this.bytesOfWrite = bytes;
    this.callback = callback;
    this.isActive();
    if (this.connecting) this.once('close', closedBeforeConnect);
    if (this.feed()) this.tellWrite();
    else if (!this.connecting) this.writeScope = new AsyncResource('WRITEWRAP');
    this.settleHold();
  }

  /** @internal Fails a write that waited for a connection that was never established. */
  failUnconnectedWrite(): void {
    const text = 'Socket closed before the connection was established';
    this.writeEnds()?.(nodeError(new Error(text), 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION'));
  }

  /**
   * As `write`, with the last byte marked as urgent: send(2) with MSG_OOB. The peer's program is
   * notified at once. This is for old protocols; RFC 6093 advises against it. To receive urgent
   * data, use the event `urgent` and tcp/urgent.ts with `conn`. Out of line, the handler must take
   * the urgent byte; it is lost when the stream is read past it.
   */
  writeUrgent(data: Uint8Array, callback?: WriteCallback): boolean {
    const chunk = Buffer.from(data); // a new object, so that it identifies this write
    if (!this.writableEnded) (this.urgent ??= new Set()).add(chunk);
    return this.write(chunk, callback);
  }

  // ---- To the connection ------------------------------------------------------------------------

  /** Fast Open: lets the connection take data before it is established. */
  protected takeEarly(): void {
    this.writesEarly = true;
    if (this.feed()) this.tellWrite();
  }

  /**
   * Gives the connection as much as it takes (it copies the data). Returns true if the write is
   * over, with or without success.
   */
  protected feed(): boolean {
    const { conn } = this;
    if (this.callback === null || conn === null || (this.connecting && !this.writesEarly))
      return false;
    if (this.outcome !== undefined) return true;
    conn.keepLent(); // the callback also ends the loan of all earlier chunks
    while (this.nextChunk()) {
      const chunk = this.chunk!;
      const urgent = this.urgent?.delete(chunk) === true;
      const taken = urgent ? conn.sendUrgent(chunk) : conn.send(chunk);
      this.takenOfWrite += taken;
      if (taken === chunk.length) {
        this.chunk = null;
        continue;
      }
      if (isOver(conn)) {
        this.outcome = systemError('write', conn.error ?? 'EPIPE');
        return true;
      }
      if (taken > 0) this.chunk = chunk.subarray(taken);
      if (urgent) this.urgent?.add(this.chunk!);
      this.host.stack.wake(conn);
      return false;
    }
    this.host.stack.wake(conn);
    this.outcome = null;
    return true;
  }

  private nextChunk(): boolean {
    this.chunk ??= this.rest?.[this.restAt++]?.chunk ?? null;
    return this.chunk !== null;
  }

  /** True while a write waits for the connection to take its data. */
  protected get isWriting(): boolean {
    return this.callback !== null || this.drainOwed;
  }

  /** Calls the callback of the write that is over. */
  protected tellWrite(): void {
    const { outcome, writeScope: scope } = this;
    const callback = this.writeEnds()!;
    this.isActive();
    if (scope === null) callback(outcome);
    else scope.runInAsyncScope(callback, null, outcome);
  }

  /** Forgets the current write and returns its callback, which the caller must call. */
  protected writeEnds(): WriteCallback | null {
    const { callback } = this;
    if (callback !== null) this.off('close', closedBeforeConnect);
    this.chunk = null;
    this.rest = null;
    this.callback = null;
    this.outcome = undefined;
    this.writeScope = null;
    this.takenOfWrite = 0;
    this.bytesOfWrite = 0;
    return callback;
  }

  /**
   * Ends a write that the end of the socket interrupted. Returns a function that calls its
   * callback, to be called with `close`; null without such a write.
   */
  protected cutWrite(): (() => void) | null {
    const { writeScope: scope } = this;
    const callback = this.writeEnds();
    if (callback === null) return null;
    return () => {
      if (scope === null) callback(null);
      else scope.runInAsyncScope(callback, null, null);
    };
  }

  /**
   * True if `drain` is due. After `drain` all earlier chunks may change. The last of them are
   * copied then, so that `drain` can come while the connection still has data to send.
   */
  protected get isDrained(): boolean {
    const { conn } = this;
    return this.drainOwed && conn !== null && conn.lentToSend <= conn.sendBuffer >> DRAIN_SHIFT;
  }

  protected tellDrain(): void {
    this.conn!.keepLent();
    this.drainOwed = false;
    this.emit('drain');
  }

  // ---- The end ----------------------------------------------------------------------------------

  /** @internal */
  override _final(callback: WriteCallback): void {
    this.onFinal = callback;
    if (!this.pending) this.sendFin();
  }

  /** CLOSE: the FIN follows the queued data. */
  protected sendFin(): void {
    const { host, onFinal: done } = this;
    const conn = this.conn!;
    if (done === null) return;
    this.onFinal = null;
    this.finSent = true;
    conn.keepLent(); // after `finish`, as after `drain`, the chunks may change
    conn.shutdown(host.clock());
    host.stack.wake(conn);
    // `finish` comes later, as in `net`, where shutdown(2) reports later. So a write after end()
    // fails before `finish`.
    this.finishOwed = done;
    this.endScope = new AsyncResource('SHUTDOWNWRAP');
    this.host.turns.later(this);
    this.settleHold();
  }

  protected tellFinish(): void {
    const done = this.finishOwed;
    if (done === null) return;
    this.finishOwed = null;
    this.endScope!.runInAsyncScope(done, null, null);
  }

  /** True if unacknowledged data still needs the process. */
  protected get owesPeer(): boolean {
    const { conn } = this;
    if (conn === null || isOver(conn)) return false;
    return conn.isLingering || conn.snd.buffer.length > 0;
  }
}

function closedBeforeConnect(this: SocketWriter): void {
  this.failUnconnectedWrite();
}
