/**
 * The control block of one TCP connection (TCB, RFC 9293 section 3.3.1): its fields, and the few
 * steps that every rule needs: changes of state, the end, timers and notes. The rules (input.ts,
 * output.ts, timeouts.ts and the files around them) take a Tcb and work on it; it imports none of
 * them. Programs see its subclass `Connection`.
 */
import type { Seq } from '../base/seq.js';
import { LONG_AGO, type Micros } from '../base/time.js';
import type { Bytes } from '../base/units.js';
import type { DropReason } from '../wire/drop.js';
import { TCP_HEADER_BYTES, type Segment } from '../wire/tcp.js';
import type { Cause } from './causes.js';
import type { TcpConfig } from './config.js';
import type { TcpEnv } from './env.js';
import { TcpEvent } from './events.js';
import type { FastOpen } from './fast-open.js';
import { MemoryShare } from './memory.js';
import type { Note, NoteTaker } from './notes.js';
import { Owed } from './owed.js';
import { Receiver } from './receive/receiver.js';
import type { SenderPort } from './send/port.js';
import { SegmentSize } from './send/segment-size.js';
import { Sender } from './send/sender.js';
import { isAllowed, State, STATE_NAMES } from './state.js';
import { TcpStats } from './stats.js';
import { Timers } from './timer-table.js';
import { Timer } from './timers.js';

/** Identifies a connection. TCP knows only the ports; the stack knows the addresses. */
export interface FlowId {
  readonly localPort: number;
  readonly remotePort: number;
}

export interface TcbOptions {
  readonly flow: FlowId;
  readonly env: TcpEnv;
  readonly config: TcpConfig;
  readonly iss: Seq;
  /** Added to our clock's milliseconds to make TSval (RFC 7323 section 5.4). */
  readonly tsOffset: number;
  /**
   * MMS_R - 20, the MSS to advertise (MUST-67): the MTU less IP and TCP headers without options.
   */
  readonly mss: Bytes;
  /** MUST-15: the assumed MSS of a peer that advertises none, 536 or 1220. */
  readonly defaultMss: Bytes;
  /** Most payload bytes of a super-segment; 0 if the device does not segment. */
  readonly gsoBytes: Bytes;
  /** Bytes of an IP header: 20 (the default) or 40. */
  readonly ipHeaderBytes?: Bytes;
  /** The path MTU in bytes, if it is known to be smaller than the device's. */
  readonly pathMtu?: Bytes;
}

export class Tcb implements SenderPort, NoteTaker {
  readonly flow: FlowId;
  readonly env: TcpEnv;
  readonly config: TcpConfig;
  state: State = State.closed;
  /** The state before this one, and why it left that: what a summary of the connection says. */
  leftState: State = State.closed;
  cause: Cause = 'active-open';
  /** Null unless Fast Open is used. Set before the connection opens. */
  fastOpen: FastOpen | null = null;
  /** MUST-11: whether a passive or an active OPEN led to SYN-RECEIVED. */
  passive = false;
  /**
   * Index in the listener's queue of half-open connections, else -1. `isYoung`: its SYN,ACK was not
   * retransmitted. The listener sets both.
   */
  synQueueIndex = -1;
  isYoung = false;

  readonly snd: Sender;
  readonly rcv: Receiver;
  readonly owed = new Owed();
  readonly timers = new Timers();
  readonly memory: MemoryShare;
  readonly stats = new TcpStats();

  /** The assumed MSS of a peer that advertises none. */
  readonly defaultMss: Bytes;
  readonly gsoBytes: Bytes;
  windowScaling: boolean;
  /** The peer's MSS option, or `defaultMss`; 0 before the peer's SYN. */
  peerMss: Bytes = 0;

  /** The user of the connection; null until it has one. */
  user: object | null = null;
  /** The errno name with which the connection ended; null for a normal end. */
  error: string | null = null;
  softError: string | null = null;
  /**
   * The errno of the last ICMP error since the last acceptable ACK (Linux's sk_err_soft). A timeout
   * reports it.
   */
  icmpError: string | null = null;
  events = 0;
  /** `send` accepted less than given, so `writable` is raised when there is room. */
  senderBlocked = false;

  /** Number of retransmissions of the SYN or SYN,ACK. */
  synTries = 0;
  /** TSval of the first and of the last SYN (or SYN,ACK) that was sent. */
  synTsFirst = 0;
  synTsLast = 0;
  /** TCP_DEFER_ACCEPT: the ACK of our SYN,ACK had no data and was ignored. */
  deferredAck = false;
  /**
   * Most retransmissions of a SYN,ACK: tcp_synack_retries, or fewer while the SYN queue is crowded.
   */
  synAckRetries: number;
  openedAt: Micros = 0;
  /**
   * When an invalid segment was last answered, with a challenge ACK or a duplicate ACK (Linux's
   * last_oow_ack_time).
   */
  lastOowAckAt: Micros = LONG_AGO;

  lastReceivedAt: Micros = 0;
  /** CLOSE was called in SYN-RECEIVED and takes effect in ESTABLISHED (RFC 9293 section 3.10.4). */
  closeQueued = false;

  // Options that the user may set: socket-options.ts.
  keepAlive: boolean;
  keepAliveIdle: Micros;
  keepAliveInterval: Micros;
  keepAliveProbes: number;
  keepAliveUnanswered = 0;
  userTimeout: Micros;
  /** TCP_SYNCNT: most retransmissions of our SYN, without linear ones. */
  synRetries: number;
  softErrorReports = true;
  /** SO_LINGER: -1 for off; else how long close(2) waits for unacknowledged data; 0 sends a RST. */
  linger: Micros = -1;
  /** TCP_LINGER2: -1 for no FIN-WAIT-2; 0 for `finTimeout` (tcp_fin_timeout). */
  linger2: Micros = 0;
  /**
   * The MSS that the MTU allows, the route's, TCP_MAXSEG (0 for none), and the MSS that we
   * advertise.
   */
  readonly deviceMss: Bytes;
  readonly routeMss: Bytes;
  userMss: Bytes;
  advertisedMss: Bytes;

  constructor(o: TcbOptions) {
    this.flow = o.flow;
    this.env = o.env;
    this.config = o.config;
    this.keepAlive = o.config.keepAlive;
    this.keepAliveIdle = o.config.keepAliveIdle;
    this.keepAliveInterval = o.config.keepAliveInterval;
    this.keepAliveProbes = o.config.keepAliveProbes;
    this.userTimeout = o.config.userTimeout;
    this.synRetries = o.config.synRetries;
    this.deviceMss = o.mss;
    this.routeMss = routeMss(o.config, o.mss);
    this.userMss = o.config.maxSegment;
    this.advertisedMss = atMost(this.userMss, this.routeMss);
    this.synAckRetries = o.config.synAckRetries;
    const ipHeaderBytes = o.ipHeaderBytes ?? 20;
    const size = new SegmentSize(
      ipHeaderBytes,
      o.pathMtu ?? o.mss + TCP_HEADER_BYTES + ipHeaderBytes,
      o.config.mtuDiscover,
    );
    this.snd = new Sender(this, o.iss, o.tsOffset, o.config, o.env, size);
    this.memory = new MemoryShare(o.env.memory, o.config.rmem.min, o.config.wmem.min);
    this.rcv = new Receiver(o.config, this.advertisedMss, o.env.allocate, this.memory);
    this.defaultMss = o.defaultMss;
    this.gsoBytes = o.gsoBytes;
    this.windowScaling = o.config.windowScaling;
  }

  get stateName(): (typeof STATE_NAMES)[number] {
    return STATE_NAMES[this.state];
  }

  get iss(): Seq {
    return this.snd.iss;
  }

  get size(): SegmentSize {
    return this.snd.size;
  }

  get timestamps(): boolean {
    return this.snd.timestamps;
  }

  get sack(): boolean {
    return this.snd.sack;
  }

  get tsOffset(): number {
    return this.snd.tsOffset;
  }

  get irs(): Seq {
    return this.rcv.irs;
  }

  get isOpening(): boolean {
    return this.state === State.synSent || this.state === State.synReceived;
  }

  /** Throws for a transition, or a cause of one, that is not in `TRANSITIONS`. */
  setState(to: State, cause: Cause, now: Micros): void {
    const from = this.state;
    if (!isAllowed(from, to, cause))
      throw new Error(`no transition from ${STATE_NAMES[from]} to ${STATE_NAMES[to]} by ${cause}`);
    this.state = to;
    this.leftState = from;
    this.cause = cause;
    if (to === State.established) this.env.counters.TcpCurrEstab++;
    else if (from === State.closeWait || (from === State.established && to !== State.closeWait))
      this.env.counters.TcpCurrEstab--; // nstat counts ESTABLISHED and CLOSE-WAIT
    this.env.observer?.stateChanged(this, from, to, cause, now);
  }

  /**
   * Ends the connection: stops its timers and frees its send buffer. Data received in order can
   * still be read.
   */
  finish(error: string | null, cause: Cause, now: Micros): void {
    if (this.state === State.closed) return;
    const told = this.state === State.timeWait;
    if (this.isOpening && error !== null) this.env.counters.TcpAttemptFails++;
    else if (error === 'ECONNRESET') this.env.counters.TcpEstabResets++;
    this.setState(State.closed, cause, now);
    this.error = error;
    if (told) return;
    this.fastOpenEnds(now);
    this.quiesce();
    this.raise(error === null ? TcpEvent.closed : TcpEvent.error | TcpEvent.closed);
  }

  enterTimeWait(cause: Cause, now: Micros): void {
    this.setState(State.timeWait, cause, now);
    this.fastOpenEnds(now);
    this.quiesce();
    this.raise(TcpEvent.closed);
  }

  private fastOpenEnds(now: Micros): void {
    const { rcv } = this;
    this.fastOpen?.connectionEnds(this.stats.dataSegsIn, rcv.finSeen && !rcv.finReceived, now);
  }

  private quiesce(): void {
    this.timers.stopAll();
    this.stats.leftUnsent = this.snd.buffer.length === 0 ? 0 : this.snd.unsent;
    this.snd.buffer.clear();
    this.snd.sent.clear();
    this.rcv.outOfOrder.clear();
    this.owed.keepOnlyReset();
    if (this.rcv.orphaned) this.env.memory.orphans--;
    this.settleMemory();
  }

  /**
   * Reports the memory of this connection to the stack: send buffer, records in flight, unread data
   * and out-of-order data.
   */
  settleMemory(): void {
    const { snd, rcv } = this;
    this.memory.settle(snd.buffer.memory + snd.sent.memory + rcv.memory);
  }

  raise(events: number): void {
    this.events |= events;
  }

  /** MUST-47: reports a temporary error by its errno name. */
  reportSoftError(errno: string): void {
    this.softError = errno;
    if (this.softErrorReports) this.raise(TcpEvent.softError);
  }

  /** Null without an observer, so that `observed?.note({...}, now)` makes no note then. */
  get observed(): NoteTaker | null {
    return this.env.observer === null ? null : this;
  }

  note(note: Note, now: Micros): void {
    this.env.observer?.noted(this, note, now);
  }

  dropped(seg: Segment, reason: DropReason, now: Micros): void {
    this.env.countDrop(reason);
    this.env.observer?.segmentDropped(this, seg, reason, now);
  }

  setTimer(timer: Timer, deadline: Micros, now: Micros): void {
    this.timers.set(timer, deadline);
    this.env.observer?.timerSet(this, timer, this.timers.deadline(timer), now);
  }

  stopTimer(timer: Timer, now: Micros): void {
    if (!this.timers.isArmed(timer)) return;
    this.timers.stop(timer);
    this.env.observer?.timerStopped(this, timer, now);
  }

  /** TSval of `now`: milliseconds plus this connection's own offset (RFC 7323 section 5.4). */
  timestampNow(now: Micros): number {
    return this.snd.timestampNow(now);
  }

  armKeepAlive(now: Micros, silentSince = now): void {
    if (this.keepAlive)
      this.setTimer(Timer.keepAlive, Math.max(now, silentSince + this.keepAliveIdle), now);
  }

  /** Bytes that a write would accept now. */
  get sendRoom(): Bytes {
    const open =
      this.state === State.established || this.state === State.closeWait || this.isOpening;
    if (!open || this.snd.finQueued || this.closeQueued) return 0;
    return this.snd.room;
  }

  /**
   * `SenderPort`: counts an acknowledgment and raises the user's events. `syn`: it covers our SYN.
   * `lentBack`: it covers memory of a zero-copy send.
   */
  acknowledged(bytes: Bytes, syn: boolean, lentBack: boolean): void {
    const { snd } = this;
    // Linux creates a passive connection when its SYN,ACK is acknowledged, so the SYN does not
    // count.
    this.stats.bytesAcked += syn && !this.passive ? bytes + 1 : bytes;
    if (lentBack) this.raise(TcpEvent.zeroCopyDone);
    if (this.senderBlocked) {
      if (!this.env.memory.isPressed) snd.expandBuffer();
      this.wakeWriter();
    }
    if (bytes > 0 && snd.allAcked) this.raise(TcpEvent.acked);
  }

  /**
   * Data was acknowledged or sent: raises `writable` for a blocked writer if there is enough room.
   */
  wakeWriter(): void {
    if (!this.senderBlocked || !this.snd.wakesWriter || this.sendRoom === 0) return;
    this.senderBlocked = false;
    this.raise(TcpEvent.writable);
  }

  /**
   * Largest segment payload with options included, for a peer that advertised `peerMss` (MUST-16).
   */
  mostMss(peerMss: Bytes): Bytes {
    return Math.min(peerMss, atMost(this.userMss, this.deviceMss));
  }
}

/** The MSS to advertise: the route's, else what the MTU allows. */
export const routeMss = ({ routeAdvmss }: TcpConfig, deviceMss: Bytes): number =>
  routeAdvmss > 0 ? routeAdvmss : deviceMss;

/** The smaller of `most` and `bytes`; a `most` of 0 does not limit. */
export const atMost = (most: Bytes, bytes: Bytes): Bytes =>
  most > 0 ? Math.min(most, bytes) : bytes;
