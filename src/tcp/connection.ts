/**
 * One TCP connection, without I/O. Segments, calls and the time go in; they note what the
 * connection owes, and `pollTransmit` sends it.
 *
 *     onSegment ──▶ input.ts ────┐                      ┌─▶ pollTransmit ──▶ output.ts, SegmentSink
 *     onTimeout ──▶ timeouts.ts ─┼─▶ snd, rcv, state, ──┼─▶ nextTimeout() ──▶ the clock
 *     send, shutdown, ... ───────┘   timers             └─▶ takeEvents() ──▶ the user
 *
 * Input never sends, and output never processes a received segment: data flows one way. There are
 * four kinds of calls:
 *
 *   packets in        `onSegment`, for each segment of this connection as it arrives. One of
 *                     `openActive`, `openPassive` and `openFromCookie` comes first, once.
 *   time              `onTimeout`, when `nextTimeout()` is past. Ask `nextTimeout()` again after
 *                     every other call, because each may change it. A late call only adds delay.
 *   packets out       `pollTransmit`, once after a batch of the other calls: a call after each
 *                     segment would send an ACK for each. At the same time `takeEvents`, which
 *                     returns what to report to the user.
 *   the user's calls  at any time: SEND, RECEIVE, CLOSE, ABORT, STATUS (RFC 9293 section 3.9.1) and
 *                     the options of Linux's setsockopt. None of them sends or blocks; what they
 *                     owe goes out with `pollTransmit`.
 *
 * The state is in the Tcb, and the rules are in the files around it. The rules take a Tcb and never
 * see this class, which is for the owner of connections: stack/, and through it programs.
 */
import { seqGeq } from '../base/seq.js';
import type { Micros } from '../base/time.js';
import type { Bytes } from '../base/units.js';
import type { Segment } from '../wire/tcp.js';
import { isCall, type AbortCause } from './causes.js';
import * as closing from './closing.js';
import type { CongestionName } from './congestion/index.js';
import * as handshake from './handshake.js';
import { segmentArrives } from './input.js';
import { checkInvariants } from './invariants.js';
import { orNull } from './notes.js';
import { pollTransmit, type SegmentSink } from './output.js';
import { takeSnapshot, type TcpSnapshot } from './snapshot.js';
import * as options from './socket-options.js';
import { isSynchronized, State } from './state.js';
import { Tcb } from './tcb.js';
import { tcpInfo, type TcpInfo } from './tcp-info.js';
import { timerExpires } from './timeouts.js';
import { type Timer, TIMER_NAMES } from './timers.js';
import * as urgent from './urgent.js';
import * as calls from './user-calls.js';
import { SOCK_MIN_SNDBUF, TCP_FIN_TIMEOUT_MAX } from './linux-constants.js';

export interface TcpUser {
  tcpEvents(conn: Connection, events: number): void;
  /**
   * True while the user will handle received data later in this turn of the event loop. The stack
   * then sends nothing for the connection, because the user's answer may carry the ACK. The user
   * must wake the connection after handling the data.
   */
  readonly mayAnswer?: boolean;
}

export class Connection extends Tcb {
  declare user: TcpUser | null;

  // ---- Packets in -------------------------------------------------------------------------------

  /** Active OPEN (RFC 9293 section 3.10.1). */
  openActive(now: Micros): void {
    handshake.openActive(this, now);
  }

  /** Opens the connection for a SYN that reached a listener (RFC 9293 section 3.10.7.2). */
  openPassive(syn: Segment, now: Micros): void {
    handshake.openPassive(this, syn, now);
  }

  /**
   * Opens the connection for an ACK that returns a SYN cookie. `syn` is the peer's SYN as
   * reconstructed from the cookie.
   */
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

  /** Runs every expired timer. Call it when `nextTimeout()` is past. */
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

  // ---- Packets out ------------------------------------------------------------------------------

  /** Sends everything that is owed and allowed to go out. */
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
   * SEND: copies as much of `data` as the buffer has room for, and returns the number of bytes. If
   * it is less than all, TcpEvent.writable reports when there is room again. Returns 0 after CLOSE
   * and in a state that cannot send. `more` (MSG_MORE) announces more data, so a partial segment
   * waits for it. `endOfRecord` (MSG_EOR): no segment has bytes of this write and of the next one.
   */
  send(data: Uint8Array, more = false, endOfRecord = false): number {
    const taken = calls.send(this, data, more, endOfRecord);
    this.env.observer?.called(this, { call: 'send', bytes: data.length, taken });
    return taken;
  }

  /**
   * SEND without a copy (MSG_ZEROCOPY): takes all of `data` and returns true, or takes nothing and
   * returns false. `data` must not change until it is acknowledged. TcpEvent.zeroCopyDone reports
   * acknowledgments, `lentToSend` returns the bytes that are still unacknowledged, and `keepLent`
   * copies those. It takes up to 64 MiB whenever `send` would accept at least one byte, even more
   * than the buffer's size, because the memory is the caller's already. It takes nothing while the
   * stack is short of memory, or if TCP_NOTSENT_LOWAT does not allow all of `data`.
   */
  sendZeroCopy(data: Uint8Array): boolean {
    const taken = calls.sendZeroCopy(this, data) ? data.length : 0;
    this.env.observer?.called(this, { call: 'sendZeroCopy', bytes: data.length, taken });
    return taken === data.length;
  }

  /**
   * send(2) with MSG_OOB: as `send`; the peer is told at once, even if its window is zero. The last
   * byte of `data` is the urgent one (MUST-31).
   */
  sendUrgent(data: Uint8Array): number {
    return urgent.sendUrgent(this, data);
  }

  /** Bytes lent by `sendZeroCopy` that are not acknowledged. */
  get lentToSend(): Bytes {
    return this.snd.buffer.lentLength;
  }

  /**
   * Ends the connection with EFAULT and returns true if the memory of a zero-copy send was
   * transferred to another thread, because unacknowledged data is then lost.
   */
  failWhatIsDetached(now: Micros): boolean {
    return calls.failWhatIsDetached(this, now);
  }

  /** Copies all memory lent by `sendZeroCopy`, so that the callers may reuse it. */
  keepLent(): void {
    calls.keepLent(this);
  }

  /**
   * RECEIVE: returns the next piece of the stream, which the caller then owns; null when nothing is
   * queued.
   */
  receive(): Uint8Array | null {
    const piece = calls.receive(this);
    if (piece !== null) this.env.observer?.called(this, { call: 'receive', bytes: piece.length });
    return piece;
  }

  /** recv(2) with MSG_OOB: the out-of-band byte, or a value of `UrgentByte`. */
  receiveUrgent(peek = false): number {
    return urgent.receiveUrgent(this, peek);
  }

  get receiveQueued(): Bytes {
    return this.rcv.queue.length;
  }

  /**
   * TCP_INQ: unread bytes, plus one after the peer's FIN, so that a reader reads once more and gets
   * the end.
   */
  get inq(): Bytes {
    return this.rcv.queue.length + (this.rcv.finReceived ? 1 : 0);
  }

  /** CLOSE: nothing more will be sent; receiving continues (half-close). */
  shutdown(now: Micros): void {
    this.env.observer?.called(this, { call: 'shutdown' });
    closing.shutdown(this, now);
  }

  /**
   * close(2): the user will neither send nor receive. If received data is unread, or more data
   * arrives, it is lost and a RST tells the peer (SHLD-3). Otherwise the connection closes
   * gracefully.
   */
  release(now: Micros): void {
    this.env.observer?.called(this, { call: 'release' });
    closing.release(this, now);
  }

  /** ABORT (RFC 9293 section 3.10.5): sends a RST if the peer knows of the connection. */
  abort(now: Micros, cause: AbortCause = 'abort'): void {
    if (isCall(cause)) this.env.observer?.called(this, { call: 'abort' });
    closing.abort(this, now, cause);
  }

  /** STATUS: the whole control block as plain data. */
  snapshot(now: Micros): TcpSnapshot {
    return takeSnapshot(this, now);
  }

  /** TCP_INFO: what Linux would report for this connection, by the names of its struct. */
  tcpInfo(now: Micros): TcpInfo {
    return tcpInfo(this, now);
  }

  // The options of Linux's setsockopt. All take effect at once. Call `stack.wake(conn)` after one
  // that may allow output. Times are in microseconds, sizes in bytes. A value that setsockopt
  // refuses with EINVAL throws a RangeError.

  // ---- When data goes out -----------------------------------------------------------------------

  /**
   * TCP_NODELAY: turns Nagle's algorithm off (true) or on (MUST-17). Turning it off sends all
   * unsent data, even if corked.
   */
  setNoDelay(on: boolean): void {
    options.setNoDelay(this, on);
    this.optionSet('TCP_NODELAY', on);
  }

  /**
   * TCP_CORK: while on, only full segments go out. A partial segment that has waited longer than a
   * retransmission timeout is sent nevertheless.
   */
  setCork(on: boolean): void {
    options.setCork(this, on);
    this.optionSet('TCP_CORK', on);
  }

  /**
   * TCP_NOTSENT_LOWAT: `send` accepts no data, not even the rest of a write that has begun, once
   * this many bytes are unsent and do not fit in the windows. `writable` is raised at half of it.
   * Infinity for no limit.
   */
  setNotSentLowat(bytes: Bytes): void {
    this.snd.notSentLowat = bytes;
    this.optionSet('TCP_NOTSENT_LOWAT', bytes);
  }

  /**
   * TCP_QUICKACK: true stops delaying ACKs until we answer data with data; false starts delaying
   * them.
   */
  setQuickAck(on: boolean): void {
    options.setQuickAck(this, on);
    this.optionSet('TCP_QUICKACK', on);
  }

  /** SO_OOBINLINE: true, the default, keeps the urgent byte in the stream (RFC 6093). */
  setUrgentInline(on: boolean): void {
    urgent.setUrgentInline(this, on);
  }

  /** TCP_CONGESTION: switches to another congestion control, which keeps cwnd. */
  setCongestionControl(name: CongestionName, now: Micros): void {
    this.snd.changeCongestionControl(name, this.config.hystart, now);
    this.optionSet('TCP_CONGESTION', name);
  }

  // ---- Sizes ------------------------------------------------------------------------------------

  /**
   * TCP_MAXSEG, 88 to 32,767 bytes, 0 for no limit: the MSS that our SYN advertises and that our
   * segments do not exceed. As in Linux it has no effect once the SYN was sent.
   */
  setMaxSegment(bytes: Bytes): void {
    options.setMaxSegment(this, bytes);
    this.optionSet('TCP_MAXSEG', bytes);
  }

  /** As getsockopt(TCP_MAXSEG): payload bytes of a full segment of ours. */
  get maxSegment(): Bytes {
    return isSynchronized(this.state) ? this.snd.mss : this.advertisedMss;
  }

  /**
   * SO_RCVBUF: sets the most unread bytes and ends tuning. A window that was advertised stays
   * valid.
   */
  setReceiveBuffer(bytes: Bytes): void {
    this.rcv.window.setBuffer(bytes);
    this.optionSet('SO_RCVBUF', bytes);
  }

  /** As getsockopt(SO_RCVBUF): twice the value that was set. */
  get receiveBuffer(): Bytes {
    return this.rcv.window.bufferBytes;
  }

  /**
   * SO_SNDBUF: sets the send buffer (unsent and unacknowledged data) to twice `bytes`, and ends its
   * growth.
   */
  setSendBuffer(bytes: Bytes): void {
    this.snd.setBuffer(Math.max(2 * bytes, SOCK_MIN_SNDBUF));
    this.optionSet('SO_SNDBUF', bytes);
  }

  /** As getsockopt(SO_SNDBUF): twice the value that was set. */
  get sendBuffer(): Bytes {
    return this.snd.bufferBytes;
  }

  /** TCP_WINDOW_CLAMP: upper bound of the advertised window, at least 1,152 bytes. */
  setWindowClamp(bytes: Bytes): void {
    this.rcv.window.setClamp(bytes);
    this.optionSet('TCP_WINDOW_CLAMP', bytes);
  }

  // ---- Timeouts and closing ---------------------------------------------------------------------

  /** SO_KEEPALIVE with TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT (RFC 9293 section 3.8.4). */
  setKeepAlive(on: boolean, now: Micros, idle?: Micros, interval?: Micros, probes?: number): void {
    options.setKeepAlive(this, on, now, idle, interval, probes);
    this.optionSet('SO_KEEPALIVE', on);
  }

  /**
   * TCP_USER_TIMEOUT (MUST-21, RFC 5482): how long data may stay unacknowledged, or wait for a zero
   * window even if the peer answers our probes. 0 leaves it to R2.
   */
  setUserTimeout(timeout: Micros): void {
    this.userTimeout = timeout;
    this.optionSet('TCP_USER_TIMEOUT', timeout);
  }

  /**
   * TCP_SYNCNT: SYN retransmissions with backoff before `connect` fails; linear ones are not
   * counted. It also applies to a connect in progress.
   */
  setSynRetries(retries: number): void {
    this.synRetries = retries;
    this.optionSet('TCP_SYNCNT', retries);
  }

  /**
   * TCP_RTO_MAX_MS, 1 s to 120 s: limits the retransmission timeout and the interval of zero-window
   * probes from now on.
   */
  setMaxRto(most: Micros): void {
    options.setMaxRto(this, most);
    this.optionSet('TCP_RTO_MAX_MS', most);
  }

  /** As getsockopt(TCP_RTO_MAX_MS), in microseconds. */
  get maxRto(): Micros {
    return this.snd.rtt.maxRto;
  }

  /**
   * Whether soft errors (ICMP and R1) are reported to the user (SHLD-20; default on). `softError`
   * is set in either case.
   */
  setSoftErrorReports(on: boolean): void {
    this.softErrorReports = on;
  }

  /**
   * SO_LINGER. `wait` 0: `release` sends a RST. Otherwise close(2) would return once `isLingering`
   * is false, or after `wait`.
   */
  setLinger(on: boolean, wait: Micros = 0): void {
    this.linger = on ? wait : -1;
    this.optionSet('SO_LINGER', on ? wait : false);
  }

  /** Our FIN is not acknowledged yet, nor perhaps the data before it. */
  get isLingering(): boolean {
    const { state } = this;
    return state === State.finWait1 || state === State.closing || state === State.lastAck;
  }

  /**
   * TCP_LINGER2: how long an orphan stays in FIN-WAIT-2, at most 120 s. Below 0: not at all; 0:
   * `finTimeout` of the configuration.
   */
  setLinger2(wait: Micros): void {
    this.linger2 = wait < 0 ? -1 : Math.min(wait, TCP_FIN_TIMEOUT_MAX);
    this.optionSet('TCP_LINGER2', wait);
  }

  /** All data written so far was sent. */
  get allSent(): boolean {
    return seqGeq(this.snd.nxt, this.snd.dataEnd);
  }

  private optionSet(option: string, value: number | boolean | string): void {
    this.env.observer?.called(this, {
      call: 'setsockopt',
      option,
      value: typeof value === 'number' ? orNull(value) : value,
    });
  }

  /**
   * Checks the invariants that hold after every step. Returns null, or the broken one. For tests.
   */
  checkInvariants(): string | null {
    return checkInvariants(this);
  }
}
