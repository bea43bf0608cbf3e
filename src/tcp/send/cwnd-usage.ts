/**
 * Is cwnd used? Only then may it grow, and while it is unused it shrinks: a window that was not
 * used for a while says nothing about the path (RFC 7661's spirit; Linux's
 * tcp_cwnd_validate and tcp_is_cwnd_limited).
 */
import { seqGeq, type Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { Segments } from '../../base/units.js';
import type { CongestionControl } from '../congestion/control.js';
import { windowUnused } from '../congestion/window.js';

export class CwndUsage {
  /** cwnd held the sender back in this window of data. */
  limited = false;
  /** The most segments out in it, and where it ends. */
  private maxOut: Segments = 0;
  private end: Seq;
  /** The most out since cwnd was last used up, and since when. */
  private used: Segments = 0;
  private since: Micros = 0;

  constructor(iss: Seq) {
    this.end = iss;
  }

  /** In slow start half of cwnd in use is use enough: it doubles in a round trip. */
  mayGrow(cc: CongestionControl): boolean {
    return this.limited || (cc.cwnd < cc.ssthresh && cc.cwnd < 2 * this.maxOut);
  }

  /** Output stopped: with `out` segments in flight, held back by cwnd or not. */
  onOutput(
    limited: boolean,
    out: number,
    una: Seq,
    nxt: Seq,
    cc: CongestionControl,
    now: Micros,
  ): void {
    if (seqGeq(una, this.end) || limited || (!this.limited && out > this.maxOut)) {
      this.limited = limited;
      this.maxOut = out;
      this.end = nxt;
    }
    if (this.mayGrow(cc)) {
      this.used = 0;
      this.since = now;
    } else if (out > this.used) {
      this.used = out;
    }
  }

  /**
   * After each output: an RTO long no more than `used` was needed, so part of cwnd goes.
   */
  shrinkUnused(initialWindow: number, rto: Micros, cc: CongestionControl, now: Micros): void {
    if (this.mayGrow(cc) || cc.modelBased || now - this.since < rto) return;
    windowUnused(cc, Math.max(this.used, initialWindow));
    this.used = 0;
    this.since = now;
  }
}
