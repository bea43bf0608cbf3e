/**
 * One TCP connection, without I/O: segments, calls and the time come in; what is owed is noted;
 * `pollTransmit` sends it.
 *
 *     onSegment ──▶ input.ts  ─┐                         ┌─▶ pollTransmit (output.ts) ──▶ SegmentSink
 *     onTimeout ──▶ timeouts.ts├─▶ snd, rcv, state, timers ─▶ nextTimeout()
 *     send, shutdown, ...     ─┘                         └─▶ takeEvents() ──▶ the user
 *
 * Input never sends and output never decides about what came: the data goes one way. A connection
 * is called in four ways:
 *
 *   packets in        `onSegment`, for each segment of this connection as it arrives. `openActive`, `openPassive` or
 *                     `openFromCookie` comes first, once.
 *   time              `onTimeout`, when `nextTimeout()` is past. Ask `nextTimeout()` again after every other call: each
 *                     may have changed it. A call that comes late does no harm but delay.
 *   what goes out     `pollTransmit`, after a batch of the calls above or below: once for many segments, or ACKs
 *                     would not be joined. `takeEvents` at the same time: what the user is to be told.
 *   the user's calls  at any time: SEND, RECEIVE, CLOSE, ABORT, STATUS (RFC 9293 section 3.9.1) and the options of
 *                     Linux's setsockopt. None of them sends or blocks; what they owe goes out with `pollTransmit`.
 *
 * The state is the Tcb's, the rules stand in the files around it. Those take the Tcb and never see
 * this class, which is for who owns connections: stack/, and through it programs.
 */
import { seqGeq } from '../base/seq.js';
import { SECOND, type Micros } from '../base/time.js';
import type { Segment } from '../wire/tcp.js';
import type { AbortCause } from './causes.js';
import * as closing from './closing.js';
import type { CongestionName } from './congestion/index.js';
import * as handshake from './handshake.js';
import { segmentArrives } from './input.js';
import { checkInvariants } from './invariants.js';
import { pollTransmit, type SegmentSink } from './output.js';
import { takeSnapshot, type TcpSnapshot } from './snapshot.js';
import * as options from './socket-options.js';
import { isSynchronized, State } from './state.js';
import { Tcb } from './tcb.js';
import { tcpInfo, type TcpInfo } from './tcp-info.js';
import { timerExpires } from './timeouts.js';
import { type Timer, TIMER_NAMES } from './timers.js';
import * as calls from './user-calls.js';

export interface TcpUser {
  tcpEvents(conn: Connection, events: number): void;
  /**
   * It will hear of what came later in this turn of the event loop, and its answer may carry the
   * ACK: so long the stack sends nothing for the connection. Who says so wakes the connection when
   * it has heard.
   */
  readonly mayAnswer?: boolean;
}

/** SOCK_MIN_SNDBUF. */
const MIN_SEND_BUFFER = 4608;
/** TCP_FIN_TIMEOUT_MAX. */
const MAX_LINGER2: Micros = 120 * SECOND;

export class Connection extends Tcb {
  declare user: TcpUser | null;

  // ---- Packets in -------------------------------------------------------------------------------

  /** Active OPEN (RFC 9293 3.10.1). */
  openActive(now: Micros): void {
    handshake.openActive(this, now);
  }

  /** A SYN reached a listener: this is the connection that it makes (RFC 9293 3.10.7.2). */
  openPassive(syn: Segment, now: Micros): void {
    handshake.openPassive(this, syn, now);
  }

  /** `ack` brings a SYN cookie back. `syn` is the peer's SYN as far as the cookie remembers it. */
  openFromCookie(syn: Segment, ack: Segment, now: Micros): void {
    handshake.openFromCookie(this, syn, ack, now);
    segmentArrives(this, ack, now);
  }

  onSegment(seg: Segment, now: Micros): void {
    this.stats.segmentArrived(seg);
    this.snd.moreComes = false;
    this.env.observer?.segmentArrived(this, seg, now);
    segmentArrives(this, seg, now);
    this.settleMemory();
  }

  // ---- Time -------------------------------------------------------------------------------------

  /** Lets every timer that is due expire. Call it when `nextTimeout()` is past. */
  onTimeout(now: Micros): void {
    for (let timer = 0; timer < TIMER_NAMES.length; timer++) {
      if (!this.timers.isDue(timer as Timer, now)) continue;
      this.timers.stop(timer as Timer);
      this.env.observer?.timerExpired(this, timer as Timer, now);
      timerExpires(this, timer as Timer, now);
    }
  }

  nextTimeout(): Micros {
    return this.timers.next();
  }

  // ---- What goes out ----------------------------------------------------------------------------

  /** Sends everything that is owed and allowed. */
  pollTransmit(now: Micros, out: SegmentSink): void {
    pollTransmit(this, now, out);
    this.settleMemory();
  }

  /** Bits of TcpEvent since the last call. */
  takeEvents(): number {
    const events = this.events;
    this.events = 0;
    return events;
  }

  // ---- The user's calls -------------------------------------------------------------------------

  /**
   * SEND: copies as much of `data` as there is room for, and returns how much that was. When it
   * took less, TcpEvent.writable tells that there is room again. 0 after CLOSE and in a state that
   * cannot send. `more` (MSG_MORE) announces more: a part of a segment waits for it. `endOfRecord`
   * (MSG_EOR): no segment has bytes of this and of the next write.
   */
  send(data: Uint8Array, more = false, endOfRecord = false): number {
    return calls.send(this, data, more, endOfRecord);
  }

  /**
   * SEND without a copy (MSG_ZEROCOPY): takes all of `data` or nothing, and says which. Until it is
   * acknowledged `data` must not change: TcpEvent.zeroCopyDone tells that some is, `lentToSend` how
   * much is not yet, and `keepLent` copies that. Takes it where `send` would take at least a byte,
   * also when it is more than the buffer's size: the memory is the caller's already. Not while the
   * stack is short of memory.
   */
  sendZeroCopy(data: Uint8Array): boolean {
    return calls.sendZeroCopy(this, data);
  }

  /** Bytes lent by `sendZeroCopy` that are not acknowledged. */
  get lentToSend(): number {
    return this.snd.buffer.lentLength;
  }

  /**
   * Who lends memory and then transfers it to another thread has taken away what the peer was
   * promised: true when that ended the connection, with EFAULT.
   */
  failWhatIsDetached(now: Micros): boolean {
    return calls.failWhatIsDetached(this, now);
  }

  /** Copies what is lent: the callers' memory is theirs again. */
  keepLent(): void {
    calls.keepLent(this);
  }

  /** RECEIVE: the next piece of the stream, the caller's for good; null when nothing waits. */
  receive(): Uint8Array | null {
    return calls.receive(this);
  }

  get receiveQueued(): number {
    return this.rcv.queue.length;
  }

  /**
   * TCP_INQ: bytes that wait to be read, and one more once the peer's FIN was reached, so that its
   * reader comes back for the end.
   */
  get inq(): number {
    return this.rcv.queue.length + (this.rcv.finReceived ? 1 : 0);
  }

  /** CLOSE: no more will be sent; receiving goes on (half-close). */
  shutdown(now: Micros): void {
    closing.shutdown(this, now);
  }

  /**
   * What close(2) means: nobody will send or receive. Data that waits unread, or comes later, is
   * lost, and the peer is told so with a RST (SHLD-3); else the connection closes in good order.
   */
  release(now: Micros): void {
    closing.release(this, now);
  }

  /** ABORT (RFC 9293 3.10.5): RST to a peer that knows of the connection. */
  abort(now: Micros, cause: AbortCause = 'abort'): void {
    closing.abort(this, now, cause);
  }

  /** STATUS: the whole control block as plain data. */
  snapshot(now: Micros): TcpSnapshot {
    return takeSnapshot(this, now);
  }

  /** TCP_INFO: what Linux would tell of this connection, by the names of its struct. */
  tcpInfo(now: Micros): TcpInfo {
    return tcpInfo(this, now);
  }

  // The options of Linux's setsockopt. All take effect at once and need a wake of the stack
  // (`stack.wake(conn)`) where they may let something go out. Times are in microseconds, sizes in
  // bytes; what setsockopt would refuse with EINVAL throws a RangeError.

  // ---- When data goes out -----------------------------------------------------------------------

  /**
   * TCP_NODELAY: Nagle's algorithm off, or on again (MUST-17). Switching it off sends what waits,
   * corked or not.
   */
  setNoDelay(on: boolean): void {
    options.setNoDelay(this, on);
  }

  /**
   * TCP_CORK: only full segments go out, until it is taken off; one that waits longer than a
   * retransmission timeout goes all the same.
   */
  setCork(on: boolean): void {
    options.setCork(this, on);
  }

  /**
   * TCP_NOTSENT_LOWAT: no more is taken once so many bytes wait that the windows do not let out, a
   * write that has begun included, and `writable` comes at half of it. Infinity for none.
   */
  setNotSentLowat(bytes: number): void {
    this.snd.notSentLowat = bytes;
  }

  /**
   * TCP_QUICKACK: on ends the delaying of ACKs for now (until we answer data with data), off begins
   * it.
   */
  setQuickAck(on: boolean): void {
    options.setQuickAck(this, on);
  }

  /** TCP_CONGESTION: another control takes over, with the window as it is. */
  setCongestionControl(name: CongestionName, now: Micros): void {
    this.snd.changeCongestionControl(name, this.config.hystart, now);
  }

  // ---- Sizes ------------------------------------------------------------------------------------

  /**
   * TCP_MAXSEG, 88 to 32,767, 0 for none: the MSS that our SYN announces, and that we never exceed.
   * As in Linux it says nothing of a connection whose SYN is out.
   */
  setMaxSegment(bytes: number): void {
    options.setMaxSegment(this, bytes);
  }

  /** What getsockopt(TCP_MAXSEG) says: payload bytes of a full segment of ours. */
  get maxSegment(): number {
    return isSynchronized(this.state) ? this.snd.mss : this.advertisedMss;
  }

  /**
   * SO_RCVBUF: from now on so many bytes may wait to be read, and tuning ends. What was offered to
   * the peer stays offered.
   */
  setReceiveBuffer(bytes: number): void {
    this.rcv.window.setBuffer(bytes);
  }

  /** What getsockopt(SO_RCVBUF) says: twice what was set. */
  get receiveBuffer(): number {
    return this.rcv.window.bufferBytes;
  }

  /**
   * SO_SNDBUF: from now on twice so many bytes may wait to be sent or acknowledged, and the buffer
   * does not grow any more.
   */
  setSendBuffer(bytes: number): void {
    this.snd.setBuffer(Math.max(2 * bytes, MIN_SEND_BUFFER));
  }

  /** What getsockopt(SO_SNDBUF) says: twice what was set. */
  get sendBuffer(): number {
    return this.snd.bufferBytes;
  }

  /** TCP_WINDOW_CLAMP: the window that we offer is never larger (1,152 at least). */
  setWindowClamp(bytes: number): void {
    this.rcv.window.setClamp(bytes);
  }

  // ---- When it is over --------------------------------------------------------------------------

  /** SO_KEEPALIVE with TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT (RFC 9293 section 3.8.4). */
  setKeepAlive(on: boolean, now: Micros, idle?: Micros, interval?: Micros, probes?: number): void {
    options.setKeepAlive(this, on, now, idle, interval, probes);
  }

  /**
   * TCP_USER_TIMEOUT (MUST-21, RFC 5482): so long may data stay unacknowledged, or wait for a
   * window that the peer keeps shut, even if it answers our probes; 0 leaves it to R2.
   */
  setUserTimeout(timeout: Micros): void {
    this.userTimeout = timeout;
  }

  /**
   * TCP_SYNCNT: how often a SYN is sent again before `connect` fails, those without backoff on top.
   * Counts for one that is under way, too.
   */
  setSynRetries(retries: number): void {
    this.synRetries = retries;
  }

  /**
   * TCP_RTO_MAX_MS, 1 s to 120 s: no retransmission timeout, and no wait for a probe into a shut
   * window, is longer from now on.
   */
  setMaxRto(most: Micros): void {
    options.setMaxRto(this, most);
  }

  /** What getsockopt(TCP_RTO_MAX_MS) says, in microseconds. */
  get maxRto(): Micros {
    return this.snd.rtt.max;
  }

  /**
   * Whether the user is told of soft errors, ICMP's hints and R1 (SHLD-20; on at first).
   * `softError` can be read all the same.
   */
  setSoftErrorReports(on: boolean): void {
    this.softErrorReports = on;
  }

  /**
   * SO_LINGER. `wait` 0: `release` sends RST. Else close(2) would return when `isLingering` has
   * become false, or after `wait`.
   */
  setLinger(on: boolean, wait: Micros = 0): void {
    this.linger = on ? wait : -1;
  }

  /** The peer has not acknowledged our FIN yet, and perhaps not all that goes before it. */
  get isLingering(): boolean {
    const { state } = this;
    return state === State.finWait1 || state === State.closing || state === State.lastAck;
  }

  /**
   * TCP_LINGER2: how long FIN-WAIT-2 waits once nobody reads; 120 s at most, below 0: not at all,
   * 0: as configured.
   */
  setLinger2(wait: Micros): void {
    this.linger2 = wait < 0 ? -1 : Math.min(wait, MAX_LINGER2);
  }

  /** Everything that was written so far has gone out. */
  get allSent(): boolean {
    return seqGeq(this.snd.nxt, this.snd.dataEnd);
  }

  /** What must hold after every step; null, or what does not. For tests. */
  checkInvariants(): string | null {
    return checkInvariants(this);
  }
}
