/**
 * When is the ACK of data that came in order due? RFC 9293 section 3.8.6.3 allows to wait for a
 * second segment, for less than half a second. Within that this does what Linux does: three things
 * that it learns of the peer decide.
 *
 *   quick     a new connection (or one that wakes up, or lost something) acknowledges the next so many segments at once, or
 *             the peer's slow start would wait for our timer
 *   ato       how long to wait else: 40 ms, more when the peer's segments come further apart
 *   mss       what a full segment of the peer's is: more than one such is acknowledged at once
 *
 * Not here: ACKs that protocol rules demand at once (receiver.ts), duplicate ACKs
 * (owed-duplicates.ts).
 */
import type { Micros } from '../../base/time.js';
import { TcpFlag, type Segment } from '../../wire/tcp.js';
import type { TcpConfig } from '../config.js';

/** TCP_MAX_QUICKACKS. */
const MAX_QUICK_ACKS = 16;
/** The guess before data came: TCP_MSS_DEFAULT, and never less than TCP_MIN_MSS. */
const DEFAULT_MSS = 536;
const MIN_MSS = 88;
/** Marks of a segment that need not be a full one. */
const REMNANT = TcpFlag.FIN | TcpFlag.URG | TcpFlag.SYN | TcpFlag.PSH;

export class DelayedAck {
  /** Data or a FIN came that no ACK of ours covers yet. */
  owed = false;
  /** Something came since the delay was last chosen. */
  fresh = false;
  /** RMSS, as seen: payload bytes of a full segment from the peer (Linux's rcv_mss). */
  mss = DEFAULT_MSS;
  /** ACKs that still go out at once. */
  quick = 0;
  /**
   * Linux's pingpong: we answer what comes, so our ACKs ride on our data and quick ones would be
   * wasted.
   */
  interactive = false;
  /** The MSS option that we send. The peer cannot send more in one segment. */
  announcedMss: number;
  /** How long an ACK waits, before bounds; 0 before the first data. */
  ato: Micros = 0;
  private dataAt: Micros = 0;
  private lastLength = 0;
  /**
   * Of what this ACK covers: 1 after a segment with PSH or a small one, 2 after a second small one.
   */
  private pushes = 0;
  private readonly least: Micros;
  private readonly most: Micros;

  constructor(config: TcpConfig, announcedMss: number) {
    this.announcedMss = announcedMss;
    this.least = config.delayedAck;
    this.most = Math.max(config.delayedAck, config.delayedAckMax);
  }

  /**
   * The peer's segments may be as large as ours: `mss`. `space`: the receive window of a new
   * connection, in bytes.
   */
  guessMss(mss: number, space: number): void {
    this.mss = Math.max(MIN_MSS, Math.min(DEFAULT_MSS, this.announcedMss, mss, space >> 1));
  }

  /** The next ACK goes out at once. */
  get isQuick(): boolean {
    return this.quick > 0 && !this.interactive;
  }

  /**
   * `seg` brought data in order. `rto`: our retransmission timeout, for what counts as a long
   * silence. `wnd`: RCV.WND.
   */
  dataArrived(seg: Segment, now: Micros, rto: Micros, wnd: number): void {
    this.owed = true;
    this.fresh = true;
    this.measure(seg);
    const gap = now - this.dataAt;
    if (this.ato === 0) {
      this.addQuick(MAX_QUICK_ACKS, wnd);
      this.ato = this.least;
    } else if (gap <= this.least / 2) {
      this.ato = (this.ato + this.least) / 2;
    } else if (gap < this.ato) {
      this.ato = Math.min(this.ato / 2 + gap, rto);
    } else if (gap > rto) {
      // The peer may be in slow start again (RFC 5681 section 4.1).
      this.addQuick(MAX_QUICK_ACKS, wnd);
    }
    this.dataAt = now;
  }

  /** ESTABLISHED: the peer's silence is counted from here. */
  connected(now: Micros): void {
    this.dataAt = now;
  }

  outOfOrderArrived(seg: Segment): void {
    this.measure(seg);
  }

  /** A FIN in ESTABLISHED: our own may follow at once, and carry its ACK. */
  finArrived(): void {
    this.owed = true;
    this.fresh = true;
    this.interactive = true;
  }

  /** Something was lost or comes twice: the peer waits for every ACK. */
  enterQuickMode(wnd: number, most = MAX_QUICK_ACKS): void {
    this.addQuick(most, wnd);
    this.interactive = false;
    this.ato = this.least;
  }

  /** We sent data of our own: in answer to what came last? */
  dataSent(now: Micros): void {
    if (now - this.dataAt < this.ato) this.interactive = true;
  }

  /** An ACK went out. */
  ackSent(): void {
    if (this.owed && this.quick > 0 && --this.quick === 0) this.ato = this.least;
    this.owed = false;
    this.fresh = false;
    this.pushes = 0;
  }

  /**
   * The user read the last byte that waited: it seems to be a request that was sent whole, and its
   * answer may take a while.
   */
  get isPushed(): boolean {
    return this.owed && (this.pushes === 2 || (this.pushes === 1 && !this.interactive));
  }

  /** How long the ACK that is owed may wait. `srtt`: 0 when unknown. */
  delay(srtt: Micros): Micros {
    let { ato } = this;
    if (ato > this.least) {
      if (srtt > 0) ato = Math.min(ato, Math.max(srtt, this.least));
    }
    return Math.min(ato, this.most);
  }

  /** The timer expired before data of ours or a second segment came. */
  expired(rto: Micros): void {
    if (this.interactive) {
      this.interactive = false;
      this.ato = this.least;
    } else {
      this.ato = Math.min(2 * this.ato, rto);
    }
  }

  /** TCP_QUICKACK off: ACKs wait for our data until proven wrong. On: they do not. */
  setQuick(on: boolean): void {
    this.interactive = !on;
    if (on) this.pushes = Math.max(this.pushes, 1);
  }

  private addQuick(most: number, wnd: number): void {
    const wanted = Math.min(Math.floor(wnd / (2 * this.mss)) || 2, most);
    if (wanted > this.quick) this.quick = wanted;
  }

  /**
   * Linux's tcp_measure_rcv_mss: the largest segment seen; a smaller one only when it comes twice
   * and seems to be full.
   */
  private measure(seg: Segment): void {
    const length = seg.gsoSize > 0 ? seg.gsoSize : seg.payloadBytes;
    const last = this.lastLength;
    this.lastLength = 0;
    if (length >= this.mss) {
      this.mss = Math.min(length, this.announcedMss);
      // Exactly one full segment with PSH: probably a write of that size, and its writer waits.
      if (seg.has(TcpFlag.PSH) && this.pushes === 0) this.pushes = 1;
      return;
    }
    if (length >= DEFAULT_MSS || (length >= MIN_MSS && !seg.has(REMNANT))) {
      this.lastLength = length;
      if (length === last) {
        this.mss = length;
        return;
      }
    }
    this.pushes = Math.min(this.pushes + 1, 2);
  }
}
