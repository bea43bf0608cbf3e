/**
 * When the ACK of in-order data is due. RFC 9293 section 3.8.6.3 allows waiting for a second
 * segment, for less than half a second. Within that limit this does what Linux does. It learns
 * three things about the peer:
 *
 *   quick     the number of segments to acknowledge at once: for a new connection, after a pause
 *             and after a loss, because the peer's slow start would otherwise wait for our timer
 *   ato       the delay otherwise: 40 ms, or more if the peer's segments arrive further apart
 *   mss       a full segment of the peer: more data than that is acknowledged at once
 *
 * Not here: ACKs that the protocol requires at once (receiver.ts) and duplicate ACKs
 * (owed-duplicates.ts).
 */
import type { Micros } from '../../base/time.js';
import type { Bytes } from '../../base/units.js';
import { TcpFlag, type Segment } from '../../wire/tcp.js';
import type { TcpConfig } from '../config.js';
import { TCP_MAX_QUICKACKS, TCP_MIN_MSS, TCP_MSS_DEFAULT } from '../linux-constants.js';

/** Flags of segments that need not be full. */
const REMNANT = TcpFlag.FIN | TcpFlag.URG | TcpFlag.SYN | TcpFlag.PSH;

export class DelayedAck {
  /** Data or a FIN was received that no ACK has covered. */
  owed = false;
  /** Data or a FIN was received since the delay was last chosen. */
  fresh = false;
  /** RMSS as estimated: payload bytes of a full segment from the peer (Linux's rcv_mss). */
  mss: Bytes = TCP_MSS_DEFAULT;
  /** Number of ACKs that are still sent at once. */
  quick = 0;
  /**
   * Linux's pingpong: we answer received data with data that carries the ACK, so quick ACKs would
   * be wasted.
   */
  interactive = false;
  /** The MSS that we advertise, the most that the peer sends in one segment. */
  announcedMss: Bytes;
  /** The delay of an ACK before bounds; 0 before the first data. */
  ato: Micros = 0;
  private dataAt: Micros = 0;
  private lastLength: Bytes = 0;
  /**
   * For the data that this ACK covers: 1 after a segment with PSH or a small one, 2 after a second
   * small one.
   */
  private pushes = 0;
  private readonly least: Micros;
  private readonly most: Micros;

  constructor(config: TcpConfig, announcedMss: Bytes) {
    this.announcedMss = announcedMss;
    this.least = config.delayedAck;
    this.most = Math.max(config.delayedAck, config.delayedAckMax);
  }

  /**
   * Estimates the peer's segments as large as ours, `mss`. `space`: the receive window of a new
   * connection, in bytes.
   */
  guessMss(mss: Bytes, space: Bytes): void {
    this.mss = Math.max(TCP_MIN_MSS, Math.min(TCP_MSS_DEFAULT, this.announcedMss, mss, space >> 1));
  }

  /** The next ACK is sent at once. */
  get isQuick(): boolean {
    return this.quick > 0 && !this.interactive;
  }

  /**
   * `seg` had in-order data. `rto`: our retransmission timeout, after which silence counts as long.
   * `wnd`: RCV.WND.
   */
  dataArrived(seg: Segment, now: Micros, rto: Micros, wnd: Bytes): void {
    this.owed = true;
    this.fresh = true;
    this.measure(seg);
    const gap = now - this.dataAt;
    if (this.ato === 0) {
      this.addQuick(TCP_MAX_QUICKACKS, wnd);
      this.ato = this.least;
    } else if (gap <= this.least / 2) {
      this.ato = (this.ato + this.least) / 2;
    } else if (gap < this.ato) {
      this.ato = Math.min(this.ato / 2 + gap, rto);
    } else if (gap > rto) {
      // The peer may be in slow start again (RFC 5681 section 4.1).
      this.addQuick(TCP_MAX_QUICKACKS, wnd);
    }
    this.dataAt = now;
  }

  /** ESTABLISHED: the peer's silence counts from now. */
  connected(now: Micros): void {
    this.dataAt = now;
  }

  outOfOrderArrived(seg: Segment): void {
    this.measure(seg);
  }

  /** A FIN in ESTABLISHED: our own FIN may follow soon and carry its ACK. */
  finArrived(): void {
    this.owed = true;
    this.fresh = true;
    this.interactive = true;
  }

  /** Data was lost or arrived twice, so the peer waits for every ACK. */
  enterQuickMode(wnd: Bytes, most = TCP_MAX_QUICKACKS): void {
    this.addQuick(most, wnd);
    this.interactive = false;
    this.ato = this.least;
  }

  /** Data was sent: if soon after received data, it counts as an answer. */
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
   * A read that empties the queue sends the ACK, because the data looks like a complete request
   * whose answer may take a while.
   */
  get isPushed(): boolean {
    return this.owed && (this.pushes === 2 || (this.pushes === 1 && !this.interactive));
  }

  /** The delay of the owed ACK. `srtt`: 0 if unknown. */
  delay(srtt: Micros): Micros {
    let { ato } = this;
    if (ato > this.least) {
      if (srtt > 0) ato = Math.min(ato, Math.max(srtt, this.least));
    }
    return Math.min(ato, this.most);
  }

  /** The timer expired before we sent data or received a second segment. */
  expired(rto: Micros): void {
    if (this.interactive) {
      this.interactive = false;
      this.ato = this.least;
    } else {
      this.ato = Math.min(2 * this.ato, rto);
    }
  }

  /**
   * TCP_QUICKACK. False: ACKs wait for our data until a timer expires. True: they do not wait for
   * it.
   */
  setQuick(on: boolean): void {
    this.interactive = !on;
    if (on) this.pushes = Math.max(this.pushes, 1);
  }

  private addQuick(most: number, wnd: Bytes): void {
    const wanted = Math.min(Math.floor(wnd / (2 * this.mss)) || 2, most);
    if (wanted > this.quick) this.quick = wanted;
  }

  /**
   * Linux's tcp_measure_rcv_mss: the largest segment seen. A smaller size counts only if it occurs
   * twice and looks like a full segment.
   */
  private measure(seg: Segment): void {
    const length = seg.gsoSize > 0 ? seg.gsoSize : seg.payloadBytes;
    const last = this.lastLength;
    this.lastLength = 0;
    if (length >= this.mss) {
      this.mss = Math.min(length, this.announcedMss);
      // A single full segment with PSH: probably a write of that size, whose writer waits.
      if (seg.has(TcpFlag.PSH) && this.pushes === 0) this.pushes = 1;
      return;
    }
    if (length >= TCP_MSS_DEFAULT || (length >= TCP_MIN_MSS && !seg.has(REMNANT))) {
      this.lastLength = length;
      if (length === last) {
        this.mss = length;
        return;
      }
    }
    this.pushes = Math.min(this.pushes + 1, 2);
  }
}
