/**
 * One TCP connection, without I/O: segments, calls and the time come in; what is owed is noted; `pollTransmit` sends it.
 *
 *     onSegment ──▶ input.ts  ─┐                         ┌─▶ pollTransmit (output.ts) ──▶ SegmentSink
 *     onTimeout ──▶ timeouts.ts├─▶ snd, rcv, state, timers ─▶ nextTimeout()
 *     send, shutdown, ...     ─┘                         └─▶ takeEvents() ──▶ the user
 *
 * Input never sends and output never decides about what came: the data goes one way. This class holds the control block
 * (TCB, RFC 9293 section 3.3.1); the user's calls are user-calls.ts and socket-options.ts, the rules stand in the files around it.
 */
import { seqAdd, type Seq } from '../base/seq.js';
import { NEVER, type Micros } from '../base/time.js';
import type { DropReason } from '../wire/drop.js';
import type { Segment } from '../wire/tcp.js';
import type { TcpConfig } from './config.js';
import { CaState } from './congestion/ack-sample.js';
import { agreeOnEcn } from './ecn.js';
import type { TcpEnv } from './env.js';
import { type FastOpen, fastOpenEnds, takeSynData } from './fast-open.js';
import { segmentArrives } from './input.js';
import { MemoryShare } from './memory.js';
import type { Note } from './observer.js';
import { pollTransmit, type SegmentSink } from './output.js';
import { startProbing } from './send/mtu-probe.js';
import { Receiver } from './receive/receiver.js';
import { OwedReset } from './reset.js';
import { isWatched } from './recovery/retransmit-timer.js';
import { Sender } from './send/sender.js';
import { SegmentSize, syncMss, TCP_HEADER } from './send/segment-size.js';
import { takeSnapshot, type TcpSnapshot } from './snapshot.js';
import { TcpStats } from './stats.js';
import { tcpInfo, type TcpInfo } from './tcp-info.js';
import { isAllowed, State, STATE_NAMES } from './state.js';
import { timerExpires } from './timeouts.js';
import { Timer, Timers, TIMER_NAMES } from './timers.js';
import { TcpEvent, type TcpUser } from './user.js';
import { UserCalls } from './user-calls.js';

/** What tells one connection from another. TCP sees the ports; addresses are the stack's. */
export interface FlowId {
  readonly localPort: number;
  readonly remotePort: number;
}

export interface ConnectionOptions {
  readonly flow: FlowId;
  readonly env: TcpEnv;
  readonly config: TcpConfig;
  readonly iss: Seq;
  /** What is added to our clock's milliseconds to make TSval (RFC 7323 section 5.4). */
  readonly tsOffset: number;
  /** MMS_R - 20, the MSS to announce (MUST-67): the MTU less bare IP and TCP headers. */
  readonly mss: number;
  /** MUST-15: the peer's MSS when it announces none, 536 or 1220. */
  readonly defaultMss: number;
  /** Most payload bytes in one super-segment; 0 when the device cuts none. */
  readonly gsoBytes: number;
  /** Of an IP header: 20 (the default) or 40. */
  readonly ipHeaderBytes?: number;
  /** The largest packet for the path, when less is known to arrive than the device sends. */
  readonly pathMtu?: number;
}

export class Connection extends UserCalls {
  readonly flow: FlowId;
  readonly env: TcpEnv;
  readonly config: TcpConfig;
  state: State = State.closed;
  /** Null unless data may go with the SYN. Set before the connection opens. */
  fastOpen: FastOpen | null = null;
  /** MUST-11: SYN-RECEIVED remembers whether a passive or an active OPEN led to it. */
  passive = false;
  /** Its place among its listener's half-open connections, -1 outside; its SYN,ACK was sent once only. The listener's to write. */
  synQueueIndex = -1;
  isYoung = false;

  readonly snd: Sender;
  readonly rcv: Receiver;
  readonly size: SegmentSize;
  readonly timers = new Timers();
  readonly memory: MemoryShare;
  readonly stats = new TcpStats();

  /** The peer's MSS that we assume when it announces none. */
  readonly defaultMss: number;
  readonly gsoBytes: number;
  readonly tsOffset: number;
  /** Options in force: offered before the peer's SYN came, agreed on after it. */
  timestamps: boolean;
  sack: boolean;
  windowScaling: boolean;
  /** The peer's MSS option, or what stands for it. */
  peerMss = 0;

  user: TcpUser | null = null;
  /** Why the connection ended: an errno name. Null for a normal end. */
  error: string | null = null;
  softError: string | null = null;
  /** The last of ICMP's that nothing acknowledged has disproved since (Linux's sk_err_soft): what a timeout reports then. */
  icmpError: string | null = null;
  events = 0;
  /** `send` took less than it was given: tell when there is room. */
  senderBlocked = false;

  /** SYN or SYN,ACK is to be sent (again). */
  synOwed = false;
  /** How often it was sent again. */
  synTries = 0;
  /** TSval of the first and of the last SYN (or SYN,ACK) that went out. */
  synTsFirst = 0;
  synTsLast = 0;
  /** TCP_DEFER_ACCEPT: the ACK of our SYN,ACK came without data, and was passed over. */
  deferredAck = false;
  /** How often a SYN,ACK may be: tcp_synack_retries, or fewer while the SYN queue is crowded. */
  synAckRetries: number;
  openedAt: Micros = 0;
  /** A zero-window probe or a keep-alive is to be sent. */
  probeOwed = false;
  resetOwed: number = OwedReset.none;
  resetSeq: Seq = 0;
  /** Of `OwedReset.toSyn`: SEG.SEQ+SEG.LEN of what it answers. */
  resetAck: Seq = 0;
  /** Of one that answers a segment: its TSecr; null for a RST without timestamps. */
  resetEcho: number | null = null;
  /** At most one challenge ACK is owed. When a segment that is no good was last answered, with one or with another ACK (Linux's last_oow_ack_time). */
  challengeOwed = false;
  lastChallengeAt: Micros = -NEVER;

  lastReceivedAt: Micros = 0;
  /** CLOSE was called before ESTABLISHED: done then (RFC 9293 3.10.4, SYN-RECEIVED). */
  closeQueued = false;

  constructor(o: ConnectionOptions) {
    super(o.config, o.mss);
    this.flow = o.flow;
    this.env = o.env;
    this.config = o.config;
    this.synAckRetries = o.config.synAckRetries;
    this.snd = new Sender(o.iss, o.config, o.env);
    this.memory = new MemoryShare(o.env.memory, o.config.rmem.min, o.config.wmem.min);
    this.rcv = new Receiver(o.config, this.advertisedMss, o.env.allocate, this.memory);
    const ipHeaderBytes = o.ipHeaderBytes ?? 20;
    this.size = new SegmentSize(ipHeaderBytes, o.pathMtu ?? o.mss + TCP_HEADER + ipHeaderBytes, o.config.mtuDiscover);
    this.defaultMss = o.defaultMss;
    this.gsoBytes = o.gsoBytes;
    this.tsOffset = o.tsOffset;
    this.timestamps = o.config.timestamps;
    this.sack = o.config.sack;
    this.windowScaling = o.config.windowScaling;
  }

  get stateName(): (typeof STATE_NAMES)[number] {
    return STATE_NAMES[this.state];
  }

  get iss(): Seq {
    return this.snd.iss;
  }

  get irs(): Seq {
    return this.rcv.irs;
  }

  // ---- What the stack calls -------------------------------------------------------------------------------------

  /** Active OPEN (RFC 9293 3.10.1). */
  openActive(now: Micros): void {
    this.open(now, 'active OPEN');
    this.env.counters.TcpActiveOpens++;
    this.setState(State.synSent, 'active OPEN', now);
  }

  /** A SYN reached a listener: this is the connection that it makes (RFC 9293 3.10.7.2). */
  openPassive(syn: Segment, now: Micros): void {
    this.passive = true;
    this.state = State.listen;
    this.open(now, 'valid SYN on a listening port');
    this.peerSyn(syn, now);
    this.snd.updateWindow(syn.seq, this.snd.una, syn.wnd);
    this.setState(State.synReceived, 'valid SYN on a listening port', now);
    if (this.fastOpen?.accepted === true) takeSynData(this, syn, now);
    this.stats.segmentArrived(syn);
    this.lastReceivedAt = now;
  }

  /**
   * `ack` brings a SYN cookie back: the connection is as it was after its SYN,ACK, of which nothing was kept, and takes `ack` at once.
   * `syn` is the peer's SYN as far as the cookie remembers it.
   */
  openFromCookie(syn: Segment, ack: Segment, now: Micros): void {
    this.env.observer?.segmentArrived(this, ack, now);
    this.passive = true;
    this.state = State.listen;
    this.openedAt = now;
    this.note('syn-cookie', this.iss, syn.mss, now);
    this.peerSyn(syn, now);
    this.rcv.offerSynWindow(this.timestamps);
    // No record of when the SYN,ACK went out, and a timestamp that brought options back instead of the time: no round-trip sample.
    this.snd.nxt = seqAdd(this.iss, 1);
    ack.tsEcr = 0;
    this.setState(State.synReceived, 'a valid SYN cookie', now);
    this.stats.segsIn++; // the SYN
    this.stats.segmentArrived(ack);
    segmentArrives(this, ack, now);
  }

  private open(now: Micros, _why: string): void {
    this.openedAt = now;
    this.lastReceivedAt = now;
    this.synOwed = true;
    this.note('iss-chosen', this.iss, 0, now);
  }

  onSegment(seg: Segment, now: Micros): void {
    this.stats.segmentArrived(seg);
    this.snd.moreComes = false;
    this.env.observer?.segmentArrived(this, seg, now);
    segmentArrives(this, seg, now);
    this.settleMemory();
  }

  /** Lets every timer that is due expire. Call it when `nextTimeout()` is past. */
  onTimeout(now: Micros): void {
    for (let timer = 0; timer < TIMER_NAMES.length; timer++) {
      if (!this.timers.isDue(timer as Timer, now)) continue;
      this.timers.stop(timer as Timer);
      this.env.observer?.timerExpired(this, timer as Timer, now);
      timerExpires(this, timer as Timer, now);
    }
  }

  /** Sends everything that is owed and allowed. */
  pollTransmit(now: Micros, out: SegmentSink): void {
    pollTransmit(this, now, out);
    this.settleMemory();
  }

  nextTimeout(): Micros {
    return this.timers.next();
  }

  /** Bits of TcpEvent since the last call. */
  takeEvents(): number {
    const events = this.events;
    this.events = 0;
    return events;
  }

  /** STATUS: the whole control block as plain data. */
  snapshot(now: Micros): TcpSnapshot {
    return takeSnapshot(this, now);
  }

  /** TCP_INFO: what Linux would tell of this connection, by the names of its struct. */
  tcpInfo(now: Micros): TcpInfo {
    return tcpInfo(this, now);
  }

  // ---- What input, output and timeouts share --------------------------------------------------------------------

  get isOpening(): boolean {
    return this.state === State.synSent || this.state === State.synReceived;
  }

  setState(to: State, why: string, now: Micros): void {
    const from = this.state;
    if (!isAllowed(from, to)) throw new Error(`no transition from ${STATE_NAMES[from]} to ${STATE_NAMES[to]}: ${why}`);
    this.state = to;
    if (to === State.established) this.env.counters.TcpCurrEstab++;
    else if (from === State.closeWait || (from === State.established && to !== State.closeWait))
      this.env.counters.TcpCurrEstab--; // nstat counts ESTABLISHED and CLOSE-WAIT
    this.env.observer?.stateChanged(this, from, to, why, now);
  }

  /** The connection is over: no timer, no buffer is left; what was received in order may still be read. */
  finish(error: string | null, why: string, now: Micros): void {
    if (this.state === State.closed) return;
    const told = this.state === State.timeWait;
    if (this.isOpening && error !== null) this.env.counters.TcpAttemptFails++;
    else if (error === 'ECONNRESET') this.env.counters.TcpEstabResets++;
    this.setState(State.closed, why, now);
    this.error = error;
    if (told) return;
    if (this.fastOpen !== null) fastOpenEnds(this, now);
    this.quiesce();
    this.raise(error === null ? TcpEvent.closed : TcpEvent.error | TcpEvent.closed);
  }

  enterTimeWait(why: string, now: Micros): void {
    this.setState(State.timeWait, why, now);
    if (this.fastOpen !== null) fastOpenEnds(this, now);
    this.quiesce();
    this.raise(TcpEvent.closed);
  }

  private quiesce(): void {
    this.timers.stopAll();
    this.stats.leftUnsent = this.snd.buffer.length === 0 ? 0 : this.snd.unsent;
    this.snd.buffer.clear();
    this.snd.sent.clear();
    this.rcv.outOfOrder.clear();
    this.synOwed = false;
    this.probeOwed = false;
    if (this.rcv.orphaned) this.env.memory.orphans--;
    this.settleMemory();
  }

  /** What this connection holds, as the stack counts it: the send buffer, the records of what is in flight, what waits to be read, what is out of order. */
  protected settleMemory(): void {
    const { snd, rcv } = this;
    this.memory.settle(snd.buffer.memory + snd.sent.memory + rcv.memory);
  }

  raise(events: number): void {
    this.events |= events;
  }

  /** MUST-47: something that may pass, with an errno. */
  reportSoftError(errno: string): void {
    this.softError = errno;
    if (this.softErrorReports) this.raise(TcpEvent.softError);
  }

  note(note: Note, a: number, b: number, now: Micros): void {
    this.env.observer?.noted(this, note, a, b, now);
  }

  dropped(seg: Segment, reason: DropReason, now: Micros): void {
    this.env.countDrop(reason);
    this.env.observer?.segmentDropped(this, seg, reason, now);
  }

  setTimer(timer: Timer, deadline: Micros, now: Micros): void {
    this.timers.set(timer, deadline);
    this.env.observer?.timerSet(this, timer, deadline, now);
  }

  stopTimer(timer: Timer, now: Micros): void {
    if (!this.timers.isArmed(timer)) return;
    this.timers.stop(timer);
    this.env.observer?.timerStopped(this, timer, now);
  }

  /** RFC 7323 section 5.4: milliseconds, with this connection's own offset. */
  timestampNow(now: Micros): number {
    return (Math.floor(now / 1000) + this.tsOffset) | 0;
  }

  /** What the peer's SYN says about it: IRS and its options. Ours that it did not offer are off from here on. */
  peerSyn(syn: Segment, now: Micros): void {
    this.timestamps &&= syn.hasTimestamps;
    this.sack &&= syn.sackPermitted;
    this.windowScaling &&= syn.wscale >= 0;
    this.rcv.start(syn.seq, this.timestamps, this.windowScaling, now);
    agreeOnEcn(this, syn);
    if (this.timestamps) {
      this.rcv.tsRecent = syn.tsVal;
      this.rcv.tsRecentAt = now;
    }
    if (this.windowScaling) {
      this.snd.wscale = Math.min(syn.wscale, 14); // RFC 7323 section 2.3
    }
    this.peerMss = syn.mss >= 0 ? syn.mss : this.defaultMss;
    // MUST-16, and RFC 6691: the option bytes of each segment come off the MSS, which never counts them.
    this.size.mostMss = this.mostMss(this.peerMss);
    this.size.optionBytes = this.timestamps ? 12 : 0;
    if (!this.passive) startProbing(this, now);
    syncMss(this);
    this.rcv.ack.guessMss(this.snd.mss, this.rcv.window.space);
    this.note('options-agreed', this.snd.mss, (this.snd.wscale << 8) | this.rcv.wscale, now);
  }

  armKeepAlive(now: Micros, silentSince = now): void {
    if (this.keepAlive) this.setTimer(Timer.keepAlive, Math.max(now, silentSince + this.keepAliveIdle), now);
  }

  /** Our FIN is acknowledged and nobody waits for the peer's: not for ever (tcp_fin_timeout, TCP_LINGER2). */
  orphanInFinWait2(now: Micros): void {
    if (this.linger2 < 0) {
      this.env.counters.TcpExtTCPAbortOnLinger++;
      this.resetOwed = OwedReset.withAck;
      this.resetSeq = this.snd.nxt;
      this.finish(null, 'no FIN-WAIT-2 wanted (TCP_LINGER2)', now);
      return;
    }
    const wait = this.linger2 > 0 ? this.linger2 : this.config.finTimeout;
    // As Linux: the peer's FIN must have the time to come, and to be sent again.
    this.setTimer(Timer.finWait2, now + Math.max(wait, 3.5 * this.snd.rtt.rto), now);
  }

  /** Something became free or was sent: the writer who waits is told when it is worth it. */
  wakeWriter(): void {
    if (!this.senderBlocked || !this.snd.wakesWriter || this.sendRoom === 0) return;
    this.senderBlocked = false;
    this.raise(TcpEvent.writable);
  }

  /** What must hold after every step; null, or what does not. For tests. */
  checkInvariants(): string | null {
    if (this.state === State.closed || this.state === State.timeWait) {
      if (this.timers.next() !== NEVER) return 'a timer is armed in CLOSED';
      return this.snd.buffer.length === 0 ? null : 'a send buffer is held in CLOSED';
    }
    return this.snd.checkInvariants(this.sack) ?? this.rcv.checkInvariants() ?? this.checkWatch();
  }

  /** Whatever is in flight is watched by a timer, or the connection waits for ever; unless output is about to send, and arms it then. */
  private checkWatch(): string | null {
    const { timers, snd } = this;
    const { out, lostOut, retransOut } = snd.sent;
    if (out === 0 || this.isOpening || snd.probe.owed || lostOut > retransOut) return null;
    if (snd.recovery.state >= CaState.recovery && timers.isArmed(Timer.tlp))
      return 'a loss probe is due in loss recovery';
    return isWatched(this) ? null : 'data is in flight, and no timer watches over it';
  }
}
