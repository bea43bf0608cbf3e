/**
 * Growth of a window in whole segments (Linux's tcp_slow_start and tcp_cong_avoid_ai). In slow
 * start the window grows by the number of acknowledged segments; in congestion avoidance by one for
 * each `per` acknowledged segments.
 *
 * RFC 5681 lets each ACK increase the window by at most one segment, against receivers that split
 * ACKs. With offloads one ACK covers up to 64 KB, so that limit would make slow start very slow. As
 * in Linux (and RFC 3465 with a large L), acknowledged segments are counted instead. Splitting ACKs
 * gains nothing, because segments are counted, not ACKs.
 */
import type { Segments } from '../../base/units.js';
export class Growth {
  private counted: Segments = 0;

  /**
   * Slow start: returns the new cwnd, at most ssthresh. `rest` is left for congestion avoidance.
   */
  slowStart(cwnd: Segments, ssthresh: Segments, acked: Segments): Segments {
    const grown = Math.min(cwnd + acked, ssthresh);
    this.rest = acked - (grown - cwnd);
    return grown;
  }

  /** Acknowledged segments that the last `slowStart` did not use. */
  rest: Segments = 0;

  /** Congestion avoidance: returns the new cwnd, one segment more for each `per` acknowledged. */
  avoid(cwnd: Segments, per: Segments, acked: Segments): Segments {
    // Credit from a time when `per` was larger counts for only one segment.
    if (this.counted >= per) {
      this.counted = 0;
      cwnd++;
    }
    this.counted += acked;
    if (this.counted >= per) {
      const more = Math.floor(this.counted / per);
      this.counted -= more * per;
      cwnd += more;
    }
    return cwnd;
  }

  reset(): void {
    this.counted = 0;
  }
}
