/**
 * The user's calls on a connection, RFC 9293 section 3.9.1: SEND, RECEIVE, CLOSE, ABORT. None of them sends or blocks: what is owed is noted, and what
 * could not be taken is told by an event when it can. OPEN is the stack's call; STATUS is `snapshot` in connection.ts.
 */
import type { Seq } from '../base/seq.js';
import type { Micros } from '../base/time.js';
import { isAppLimited } from './send/delivery-rate.js';
import type { FastOpen } from './fast-open.js';
import type { MemoryShare } from './memory.js';
import { OwedReset } from './reset.js';
import { SocketOptions } from './socket-options.js';
import { isSynchronized, State } from './state.js';
import type { TcpStats } from './stats.js';

/** Sequence numbers are compared over half of their space, and all that waits must be far less. */
const MOST_LENT_AT_ONCE = 64 << 20;

export abstract class UserCalls extends SocketOptions {
  abstract readonly memory: MemoryShare;
  abstract readonly stats: TcpStats;
  abstract senderBlocked: boolean;
  abstract resetOwed: number;
  abstract resetSeq: Seq;
  abstract closeQueued: boolean;
  abstract fastOpen: FastOpen | null;

  abstract get isOpening(): boolean;
  abstract setState(to: State, why: string, now: Micros): void;
  abstract finish(error: string | null, why: string, now: Micros): void;
  abstract orphanInFinWait2(now: Micros): void;
  protected abstract settleMemory(): void;

  /** Bytes that `send` would take now. */
  get sendRoom(): number {
    const open = this.state === State.established || this.state === State.closeWait || this.isOpening;
    if (!open || this.snd.finQueued || this.closeQueued) return 0;
    return this.snd.room;
  }

  /**
   * SEND: copies as much of `data` as there is room for, and returns how much that was. When it took less, TcpEvent.writable
   * tells that there is room again. 0 after CLOSE and in a state that cannot send. `more` (MSG_MORE) announces more: a part of a
   * segment waits for it. `endOfRecord` (MSG_EOR): no segment has bytes of this and of the next write.
   */
  send(data: Uint8Array, more = false, endOfRecord = false): number {
    const room = this.sendRoom;
    const { snd } = this;
    if (isAppLimited(snd.unsent, snd.mss, snd.sent, snd.congestion.cwnd)) snd.rate.noteAppLimited(snd.sent.inFlight);
    if (snd.unsent === 0) snd.mayFollowPause = true;
    const taken = this.allowed(Math.min(room, data.length, snd.notSentRoom));
    this.snd.buffer.write(taken === data.length ? data : data.subarray(0, taken));
    this.settleMemory();
    this.stats.bytesOut += taken;
    snd.moreComes = more;
    if (taken > 0) snd.endsWithMore = more;
    if (endOfRecord && taken === data.length) snd.endRecord();
    if (taken < data.length) {
      this.senderBlocked = true;
      snd.moreComes = false; // what comes next is not up to the user alone
    }
    return taken;
  }

  /**
   * SEND without a copy (MSG_ZEROCOPY): takes all of `data` or nothing, and says which. Until it is acknowledged `data` must not change: TcpEvent.zeroCopyDone
   * tells that some is, `lentToSend` how much is not yet, and `keepLent` copies that. Takes it where `send` would take at least a byte, also when it is
   * more than the buffer's size: the memory is the caller's already. Not while the stack is short of memory.
   */
  sendZeroCopy(data: Uint8Array): boolean {
    const { snd } = this;
    if (this.sendRoom === 0 || data.length > MOST_LENT_AT_ONCE || data.length > snd.notSentRoom) return false;
    if (!this.memory.maySend(data.length)) return false;
    if (isAppLimited(snd.unsent, snd.mss, snd.sent, snd.congestion.cwnd)) snd.rate.noteAppLimited(snd.sent.inFlight);
    if (snd.unsent === 0) snd.mayFollowPause = true;
    snd.buffer.lend(data);
    this.settleMemory();
    this.stats.bytesOut += data.length;
    snd.moreComes = false;
    snd.endsWithMore = false;
    if (this.sendRoom === 0) this.senderBlocked = true;
    return true;
  }

  /** Bytes lent by `sendZeroCopy` that are not acknowledged. */
  get lentToSend(): number {
    return this.snd.buffer.lentLength;
  }

  /** Who lends memory and then transfers it to another thread has taken away what the peer was promised: true when that ended the connection, with EFAULT. */
  failWhatIsDetached(now: Micros): boolean {
    if (!this.snd.buffer.isDetached) return false;
    this.resetOwed = OwedReset.withAck;
    this.resetSeq = this.snd.nxt;
    this.finish('EFAULT', 'data that was lent for sending is gone: its ArrayBuffer was transferred', now);
    return true;
  }

  /** Copies what is lent: the callers' memory is theirs again. */
  keepLent(): void {
    this.snd.buffer.keepLent();
    this.settleMemory();
  }

  /**
   * Of `bytes` to send, how many the stack's memory allows. Refused, the buffer is moderated as in Linux: the writer
   * waits until half of what is there is acknowledged. What is in flight sees to it that this comes.
   */
  private allowed(bytes: number): number {
    const { snd, memory } = this;
    const { length } = snd.buffer;
    const most = snd.buffer.growthFor(bytes);
    if (most === 0 || memory.maySend(most)) return bytes;
    snd.moderateBuffer();
    return Math.max(0, Math.min(bytes, this.config.wmem.min - length));
  }

  /** RECEIVE: the next piece of the stream, the caller's for good; null when nothing waits. */
  receive(): Uint8Array | null {
    const piece = this.rcv.read();
    if (piece === null) return null;
    if (isSynchronized(this.state)) this.rcv.onRead(piece.length);
    this.settleMemory();
    return piece;
  }

  get receiveQueued(): number {
    return this.rcv.queue.length;
  }

  /** TCP_INQ: bytes that wait to be read, and one more once the peer's FIN was reached, so that its reader comes back for the end. */
  get inq(): number {
    return this.rcv.queue.length + (this.rcv.finReceived ? 1 : 0);
  }

  /** CLOSE: no more will be sent; receiving goes on (half-close). */
  shutdown(now: Micros): void {
    switch (this.state) {
      case State.synSent:
        this.finish(null, 'CLOSE before the connection was established', now);
        return;
      case State.synReceived:
        // RFC 9293 3.10.4 lets FIN go out here when nothing was sent yet; it is as well to wait for the peer's ACK.
        this.closeQueued = true;
        return;
      case State.established:
        this.snd.finQueued = true;
        this.setState(State.finWait1, 'CLOSE', now);
        return;
      case State.closeWait:
        this.snd.finQueued = true;
        this.setState(State.lastAck, 'CLOSE', now);
        return;
      default: // 3.10.4: in the other states the connection is closing already
    }
  }

  /**
   * What close(2) means: nobody will send or receive. Data that waits unread, or comes later, is lost, and the peer is told so
   * with a RST (SHLD-3); else the connection closes in good order.
   */
  release(now: Micros): void {
    if (this.state === State.closed || this.state === State.timeWait) {
      this.rcv.queue.clear();
      this.settleMemory();
      return;
    }
    if (this.rcv.queue.length > 0) {
      this.env.counters.TcpExtTCPAbortOnClose++;
      this.abort(now, 'CLOSE with unread data (RFC 9293 section 3.6.1)');
      return;
    }
    if (this.linger === 0) {
      this.env.counters.TcpExtTCPAbortOnData++;
      this.abort(now, 'CLOSE with SO_LINGER and no time to linger');
      return;
    }
    if (this.rcv.orphaned) return;
    if (!this.env.memory.mayOrphan(this.snd.buffer.length)) {
      this.env.counters.TcpExtTCPAbortOnMemory++;
      this.abort(now, 'CLOSE, and no room to see it through (tcp_mem, tcp_max_orphans)');
      return;
    }
    this.rcv.orphaned = true;
    this.env.memory.orphans++;
    this.rcv.queue.clear();
    this.settleMemory();
    this.shutdown(now);
    // As Linux: here Fast Open's FIN does not wait for the peer's ACK.
    if (this.fastOpen?.accepted === true) this.snd.finQueued = true;
    if (this.state === State.finWait2) this.orphanInFinWait2(now);
  }

  /** ABORT (RFC 9293 3.10.5): RST to a peer that knows of the connection. */
  abort(now: Micros, why = 'ABORT'): void {
    if (this.state >= State.synReceived && this.state !== State.timeWait) {
      this.resetOwed = OwedReset.withAck;
      this.resetSeq = this.snd.nxt;
    }
    this.rcv.queue.clear();
    this.finish(null, why, now);
    this.settleMemory();
  }
}
