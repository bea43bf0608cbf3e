/**
 * The sending half of a socket.
 *
 *     write() ─▶ Writable's buffer ─▶ conn.send (copied) ─▶ the send buffer
 *        └─────── a large chunk ────▶ conn.sendZeroCopy ────────┘
 *
 * A write's callback comes at once when the connection takes all of it, else as an event of its
 * own, in the async context of the write.
 */
import { AsyncResource } from 'node:async_hooks';
import { Duplex } from 'node:stream';
import type { Connection } from '../tcp/connection.js';
import { State } from '../tcp/state.js';
import { sendUrgent } from '../tcp/urgent.js';
import { nodeError, systemError } from './errors.js';
import { SocketBase } from './socket-base.js';
import type { Teller } from './turns.js';

export type WriteCallback = (error?: Error | null) => void;

/** A smaller chunk is copied sooner than it is looked after. */
const ZERO_COPY_FROM_BYTES = 32_768;
/** Of the send buffer, the eighth that may still be on its way when `drain` comes. */
const DRAIN_SHIFT = 3;

export const isOver = (conn: Connection): boolean =>
  conn.state === State.closed || conn.state === State.timeWait;

export abstract class SocketWriter extends SocketBase implements Teller {
  /** @internal */
  hasTurn = false;
  abstract readonly untold: number;
  abstract tellOne(): void;
  protected finSent = false;
  /** What the write under way came to: null is success; undefined while it goes on. */
  protected outcome: Error | null | undefined = undefined;
  /** The write under way: what is left of this chunk, then of `rest` from `restAt` on. */
  private chunk: Uint8Array | null = null;
  private rest: { chunk: Uint8Array }[] | null = null;
  private restAt = 0;
  private callback: WriteCallback | null = null;
  /** The context of a write that does not end at once. */
  private writeScope: AsyncResource | null = null;
  private onFinal: WriteCallback | null = null;
  /** Our side is closed, which Writable is to be told in the context of `end`. */
  protected finishOwed: WriteCallback | null = null;
  private endScope: AsyncResource | null = null;
  /** Chunks on their way that `writeUrgent` was given. */
  private urgent: Set<Uint8Array> | null = null;
  /** Fast Open: the connection takes data before it is established. */
  private writesEarly = false;
  /** `write` said false of a chunk that it lent. */
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
   * As Duplex has it. A chunk without a callback goes to the connection at once when nothing waits
   * before it: Writable would do the same, and schedule a tick for a callback that is not there. A
   * large one goes out from where it stands when the peer is near, where a copy would cost more
   * than all the rest. That is safe for a program which uses its memory again at `drain`: until
   * then the chunk's bytes must not change, as with `node:net`.
   */
  override write(
    chunk: unknown,
    encoding?: BufferEncoding | WriteCallback,
    callback?: WriteCallback,
  ): boolean {
    if (this.writableEnded && this.endedByPeer) {
      return this.refuseAfterEnd(typeof encoding === 'function' ? encoding : callback);
    }
    // Writable checks an encoding, also of what needs none, and calls back.
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
   * The peer's end was told, and it ends our side too: then a write after it has an error of its
   * own.
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

  /** @internal The write waited for the connection, which never came. */
  failUnconnectedWrite(): void {
    const text = 'Socket closed before the connection was established';
    this.writeEnds()?.(nodeError(new Error(text), 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION'));
  }

  /**
   * As `write`, and the peer's program is told at once that these bytes are urgent, the last one
   * above all: send(2) with MSG_OOB. For old protocols; RFC 6093 advises against it. The other way
   * round there is the event `urgent`, and `conn` with tcp/urgent.ts: a byte that is out of line is
   * taken in the handler, or lost when the stream is read past it.
   */
  writeUrgent(data: Uint8Array, callback?: WriteCallback): boolean {
    const chunk = Buffer.from(data); // an object that is in no other write
    if (!this.writableEnded) (this.urgent ??= new Set()).add(chunk);
    return this.write(chunk, callback);
  }

  // ---- To the connection ------------------------------------------------------------------------

  /** A connection that is to be opened takes what is written before it is established. */
  protected takeEarly(): void {
    this.writesEarly = true;
    if (this.feed()) this.tellWrite();
  }

  /**
   * Gives the connection as much as it takes (it copies that). True when the write is over, for
   * better or worse.
   */
  protected feed(): boolean {
    const { conn } = this;
    if (this.callback === null || conn === null || (this.connecting && !this.writesEarly))
      return false;
    if (this.outcome !== undefined) return true;
    conn.keepLent(); // the callback stands for all that was written before, too
    while (this.nextChunk()) {
      const chunk = this.chunk!;
      const urgent = this.urgent?.delete(chunk) === true;
      const taken = urgent ? sendUrgent(conn, chunk) : conn.send(chunk);
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

  /** Something waits for the connection to take it. */
  protected get isWriting(): boolean {
    return this.callback !== null || this.drainOwed;
  }

  /** The write is over: its callback. */
  protected tellWrite(): void {
    const { outcome, writeScope: scope } = this;
    const callback = this.writeEnds()!;
    this.isActive();
    if (scope === null) callback(outcome);
    else scope.runInAsyncScope(callback, null, outcome);
  }

  /** Forgets the write under way; what remains is to call the callback. */
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
   * The end cut the write off. As in Node its callback, to be called with `close`, gets what the
   * socket failed with, if anything.
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
   * `drain` is due. It promises that all earlier chunks may change: the last few are copied, so
   * that the connection has more to send before it is idle.
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

  /** CLOSE, when the user wants it: FIN follows what is queued. */
  protected sendFin(): void {
    const { host, onFinal: done } = this;
    const conn = this.conn!;
    if (done === null) return;
    this.onFinal = null;
    this.finSent = true;
    conn.keepLent(); // `finish` promises what `drain` does
    conn.shutdown(host.clock());
    host.stack.wake(conn);
    // As in `net`, where shutdown(2) reports later: a write after end() fails without a `finish`
    // before it.
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

  /** The user is gone, or a write is under way: what shall arrive needs us. */
  protected get owesPeer(): boolean {
    const { conn } = this;
    if (conn === null || isOver(conn)) return false;
    return conn.isLingering || conn.snd.buffer.length > 0;
  }
}

function closedBeforeConnect(this: SocketWriter): void {
  this.failUnconnectedWrite();
}
