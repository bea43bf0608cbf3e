/**
 * Proportional Rate Reduction (RFC 9937): sets how much may be sent on each ACK while cwnd is
 * reduced. Sending ssthresh/RecoverFS segments for each delivered one avoids a pause of half a
 * window and a burst after it. Once no more than ssthresh is in flight, as many segments are sent
 * as were delivered, and one more if SND.UNA advances and nothing else is lost (slow start
 * reduction bound).
 *
 * As in Linux, RecoverFS is cwnd at the start of the reduction. The two are equal if cwnd is fully
 * used. Counts are segments.
 */
import type { Segments } from '../../base/units.js';
export class Prr {
  /** RecoverFS; 0 before the first reduction. */
  priorCwnd: Segments = 0;
  delivered: Segments = 0;
  out: Segments = 0;

  start(cwnd: Segments): void {
    this.priorCwnd = cwnd;
    this.delivered = 0;
    this.out = 0;
  }

  /**
   * Section 6.2: returns cwnd after an ACK that delivered `delivered` segments, with `inFlight`
   * segments in flight now. `safeAck`: the ACK advanced SND.UNA and marked no further segment lost.
   */
  onAck(delivered: Segments, safeAck: boolean, inFlight: Segments, ssthresh: Segments): Segments {
    this.delivered += delivered;
    const below = ssthresh - inFlight;
    let count: number;
    if (below < 0) {
      count = Math.ceil((ssthresh * this.delivered) / this.priorCwnd) - this.out;
    } else {
      count = Math.min(Math.max(this.delivered - this.out, delivered) + (safeAck ? 1 : 0), below);
    }
    // The fast retransmit itself is always allowed.
    return inFlight + Math.max(count, this.out === 0 ? 1 : 0);
  }
}
