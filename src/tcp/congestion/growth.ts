/**
 * How a window of whole segments grows by counted segments (Linux's tcp_slow_start and
 * tcp_cong_avoid_ai): in slow start by what is acknowledged, in congestion avoidance by one for
 * each `per` that are.
 *
 * RFC 5681 lets one ACK open the window by one segment at most, against receivers that split ACKs.
 * With offloads one ACK covers up to 64 KB, and that cap would make slow start crawl: as Linux does
 * (and RFC 3465 with a large L) what is acknowledged is counted. An ACK-splitting receiver gains
 * nothing either, because segments are counted, not ACKs.
 */
import type { Segments } from '../../base/units.js';
export class Growth {
  private counted: Segments = 0;

  /**
   * Slow start: returns the new cwnd; what goes beyond ssthresh is left for congestion avoidance,
   * see `rest`.
   */
  slowStart(cwnd: Segments, ssthresh: Segments, acked: Segments): Segments {
    const grown = Math.min(cwnd + acked, ssthresh);
    this.rest = acked - (grown - cwnd);
    return grown;
  }

  /** Acknowledged segments that the last `slowStart` did not use. */
  rest: Segments = 0;

  /** One segment for each `per` acknowledged. */
  avoid(cwnd: Segments, per: Segments, acked: Segments): Segments {
    // Credit from a time when `per` was larger is worth one segment, no more.
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
