/**
 * Proportional Rate Reduction (RFC 9937): how much may be sent on each ACK while cwnd is being
 * reduced. Not half a window of silence and then a burst, but ssthresh/RecoverFS segments for each
 * one delivered; once the network holds no more than ssthresh, as much as was delivered, and one
 * more while SND.UNA advances and nothing else is lost (the slow-start reduction bound).
 *
 * As Linux, RecoverFS is cwnd at the start of the reduction: with cwnd used up both are the same.
 * Counts are segments.
 */
import type { Segments } from '../../base/units.js';
export class Prr {
  /** RecoverFS; 0 when no reduction is under way. */
  priorCwnd: Segments = 0;
  delivered: Segments = 0;
  out: Segments = 0;

  start(cwnd: Segments): void {
    this.priorCwnd = cwnd;
    this.delivered = 0;
    this.out = 0;
  }

  /**
   * Section 6.2: cwnd after an ACK that delivered `delivered` segments, with `inFlight` in flight
   * now. `safeAck`: it moved SND.UNA and took nothing new for lost.
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
    // The fast retransmit itself is never held back.
    return inFlight + Math.max(count, this.out === 0 ? 1 : 0);
  }
}
