/**
 * What a user may set on a connection: the options of Linux's setsockopt, each a method or a property here. All take effect at once and need a wake
 * of the stack (`stack.wake(conn)`) where they may let something go out. Times are in microseconds, sizes in bytes; what setsockopt
 * would refuse with EINVAL throws a RangeError.
 */
import { seqGeq } from '../base/seq.js';
import { SECOND, type Micros } from '../base/time.js';
import type { CongestionName } from './congestion/index.js';
import type { TcpConfig } from './config.js';
import type { TcpEnv } from './env.js';
import type { Receiver } from './receive/receiver.js';
import type { Sender } from './send/sender.js';
import { isSynchronized, State } from './state.js';
import { Timer, type Timers } from './timers.js';

/** TCP_MAXSEG: TCP_MIN_MSS to MAX_TCP_WINDOW. */
const MIN_MAXSEG = 88;
const MAX_MAXSEG = 32_767;
/** SOCK_MIN_SNDBUF. */
const MIN_SEND_BUFFER = 4608;
/** TCP_RTO_MAX_MS: a second to TCP_RTO_MAX_SEC. */
const MIN_MAX_RTO: Micros = SECOND;
const MAX_MAX_RTO: Micros = 120 * SECOND;
/** TCP_FIN_TIMEOUT_MAX. */
const MAX_LINGER2: Micros = 120_000_000;

export abstract class SocketOptions {
  abstract readonly config: TcpConfig;
  abstract readonly env: TcpEnv;
  abstract readonly snd: Sender;
  abstract readonly rcv: Receiver;
  abstract readonly timers: Timers;
  abstract state: State;

  keepAlive: boolean;
  keepAliveIdle: Micros;
  keepAliveInterval: Micros;
  keepAliveProbes: number;
  keepAliveUnanswered = 0;
  userTimeout: Micros;
  /** TCP_SYNCNT: how often a SYN of ours is sent again. */
  synRetries: number;
  protected softErrorReports = true;
  /** SO_LINGER: -1 for off, else how long close(2) waits for what was sent; 0 resets. */
  linger: Micros = -1;
  /** TCP_LINGER2: -1 for no FIN-WAIT-2 at all; 0 leaves it to `finTimeout` (tcp_fin_timeout). */
  linger2: Micros = 0;
  /** The MSS that the MTU allows, the one that the route announces, TCP_MAXSEG (0 for none), and the one that we announce. */
  readonly deviceMss: number;
  private readonly routeMss: number;
  private userMss: number;
  advertisedMss: number;

  constructor(config: TcpConfig, deviceMss: number) {
    this.keepAlive = config.keepAlive;
    this.keepAliveIdle = config.keepAliveIdle;
    this.keepAliveInterval = config.keepAliveInterval;
    this.keepAliveProbes = config.keepAliveProbes;
    this.userTimeout = config.userTimeout;
    this.synRetries = config.synRetries;
    this.deviceMss = deviceMss;
    this.routeMss = config.routeAdvmss > 0 ? config.routeAdvmss : deviceMss;
    this.userMss = config.maxSegment;
    this.advertisedMss = atMost(this.userMss, this.routeMss);
  }

  abstract lastReceivedAt: Micros;
  protected abstract armKeepAlive(now: Micros, silentSince?: Micros): void;

  // ---- When data goes out -------------------------------------------------------------------------------------------------

  /** TCP_NODELAY: Nagle's algorithm off, or on again (MUST-17). Switching it off sends what waits, corked or not. */
  setNoDelay(on: boolean): void {
    this.snd.noDelay = on;
    if (on) this.snd.flush = true;
  }

  /** TCP_CORK: only full segments go out, until it is taken off; one that waits longer than a retransmission timeout goes all the same. */
  setCork(on: boolean): void {
    this.snd.cork = on;
    if (!on && this.snd.noDelay) this.snd.flush = true;
  }

  /**
   * TCP_NOTSENT_LOWAT: no more is taken once so many bytes wait that the windows do not let out, a write that has begun included, and
   * `writable` comes at half of it. Infinity for none.
   */
  setNotSentLowat(bytes: number): void {
    this.snd.notSentLowat = bytes;
  }

  /** TCP_QUICKACK: on ends the delaying of ACKs for now (until we answer data with data), off begins it. */
  setQuickAck(on: boolean): void {
    const { rcv } = this;
    rcv.ack.setQuick(on);
    if (on && rcv.ack.owed && (this.state === State.established || this.state === State.closeWait)) rcv.ackNow = true;
  }

  /** TCP_CONGESTION: another control takes over, with the window as it is. */
  setCongestionControl(name: CongestionName, now: Micros): void {
    this.snd.changeCongestionControl(name, this.config.hystart, now);
  }

  // ---- Sizes ----------------------------------------------------------------------------------------------------------------

  /**
   * TCP_MAXSEG, 88 to 32,767, 0 for none: the MSS that our SYN announces, and that we never exceed. As in Linux it says nothing of a
   * connection whose SYN is out.
   */
  setMaxSegment(bytes: number): void {
    if (bytes !== 0 && !(bytes >= MIN_MAXSEG && bytes <= MAX_MAXSEG)) {
      throw new RangeError(`TCP_MAXSEG is ${MIN_MAXSEG} to ${MAX_MAXSEG}, or 0 for none: ${bytes}`);
    }
    if (this.snd.nxt !== this.snd.iss) return;
    this.userMss = bytes;
    this.advertisedMss = atMost(bytes, this.routeMss);
    this.rcv.announceMss(this.advertisedMss);
  }

  /** The most that a segment of ours carries, options included, to a peer that announced `peerMss` (MUST-16). */
  protected mostMss(peerMss: number): number {
    return Math.min(peerMss, atMost(this.userMss, this.deviceMss));
  }

  /** What getsockopt(TCP_MAXSEG) says: payload bytes of a full segment of ours. */
  get maxSegment(): number {
    return isSynchronized(this.state) ? this.snd.mss : this.advertisedMss;
  }

  /** SO_RCVBUF: from now on so many bytes may wait to be read, and tuning ends. What was offered to the peer stays offered. */
  setReceiveBuffer(bytes: number): void {
    this.rcv.window.setBuffer(bytes);
  }

  /** What getsockopt(SO_RCVBUF) says: twice what was set. */
  get receiveBuffer(): number {
    return this.rcv.window.bufferBytes;
  }

  /** SO_SNDBUF: from now on twice so many bytes may wait to be sent or acknowledged, and the buffer does not grow any more. */
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

  // ---- When it is over ------------------------------------------------------------------------------------------------------

  /** SO_KEEPALIVE with TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT (RFC 9293 section 3.8.4). */
  setKeepAlive(on: boolean, now: Micros, idle?: Micros, interval?: Micros, probes?: number): void {
    const already = this.keepAlive;
    this.keepAlive = on;
    if (idle !== undefined) this.keepAliveIdle = idle;
    if (interval !== undefined) this.keepAliveInterval = interval;
    if (probes !== undefined) this.keepAliveProbes = probes;
    if (!on || !isSynchronized(this.state)) this.timers.stop(Timer.keepAlive);
    else if (!already) this.armKeepAlive(now);
    else if (idle !== undefined) this.armKeepAlive(now, this.lastReceivedAt); // as Linux: the silence before counts
  }

  /**
   * TCP_USER_TIMEOUT (MUST-21, RFC 5482): so long may data stay unacknowledged, or wait for a window that the peer keeps shut, even if it
   * answers our probes; 0 leaves it to R2.
   */
  setUserTimeout(timeout: Micros): void {
    this.userTimeout = timeout;
  }

  /** TCP_SYNCNT: how often a SYN is sent again before `connect` fails, those without backoff on top. Counts for one that is under way, too. */
  setSynRetries(retries: number): void {
    this.synRetries = retries;
  }

  /** TCP_RTO_MAX_MS, 1 s to 120 s: no retransmission timeout, and no wait for a probe into a shut window, is longer from now on. */
  setMaxRto(most: Micros): void {
    if (!(most >= MIN_MAX_RTO && most <= MAX_MAX_RTO))
      throw new RangeError(`TCP_RTO_MAX_MS is ${MIN_MAX_RTO / 1000} to ${MAX_MAX_RTO / 1000} ms: ${most / 1000}`);
    this.snd.rtt.max = most;
  }

  /** What getsockopt(TCP_RTO_MAX_MS) says, in microseconds. */
  get maxRto(): Micros {
    return this.snd.rtt.max;
  }

  /** Whether the user is told of soft errors, ICMP's hints and R1 (SHLD-20; on at first). `softError` can be read all the same. */
  setSoftErrorReports(on: boolean): void {
    this.softErrorReports = on;
  }

  /** SO_LINGER. `wait` 0: `release` sends RST. Else close(2) would return when `isLingering` has become false, or after `wait`. */
  setLinger(on: boolean, wait: Micros = 0): void {
    this.linger = on ? wait : -1;
  }

  /** After `release`: the peer has not acknowledged our FIN yet, and what goes before it. */
  get isLingering(): boolean {
    const { state } = this;
    return state === State.finWait1 || state === State.closing || state === State.lastAck;
  }

  /** TCP_LINGER2: how long FIN-WAIT-2 waits once nobody reads; 120 s at most, below 0: not at all, 0: as configured. */
  setLinger2(wait: Micros): void {
    this.linger2 = wait < 0 ? -1 : Math.min(wait, MAX_LINGER2);
  }

  /** Everything that was written so far has gone out. */
  get allSent(): boolean {
    return seqGeq(this.snd.nxt, this.snd.dataEnd);
  }
}

/** `most`, where it is set and less. */
const atMost = (most: number, bytes: number): number => (most > 0 ? Math.min(most, bytes) : bytes);
