/**
 * Loss recovery without SACK: fast retransmit and NewReno's fast recovery, RFC 5681 section 3.2 and RFC 6582.
 * It decides which bytes count as lost and what cwnd is meanwhile. (A SACK scoreboard would stand beside it.)
 */
import { seqGeq, seqGt, type Seq } from '../base/seq.js';
import type { CongestionControl } from './congestion/control.js';
import type { SentQueue } from './sent-queue.js';

/** RFC 5681 section 3.2: the third duplicate says that a segment is lost rather than late. */
export const DUPLICATE_ACK_THRESHOLD = 3;

export class NewReno {
  duplicateAcks = 0;
  inRecovery = false;
  /** RFC 6582: SND.NXT when recovery began (or when the timer expired). */
  recover: Seq;
  private partialSeen = false;

  constructor(iss: Seq) {
    this.recover = iss;
  }

  /** The first partial ACK of a recovery restarts the timer, later ones do not: the "impatient" variant (RFC 6582 section 4). */
  get timerHeld(): boolean {
    return this.inRecovery && this.partialSeen;
  }

  /** A duplicate ACK. Returns true when it is the one that starts fast retransmit. */
  onDuplicate(una: Seq, nxt: Seq, flight: number, mss: number, sent: SentQueue, cc: CongestionControl): boolean {
    this.duplicateAcks++;
    if (this.inRecovery) {
      // Each one says that a segment has left the network (RFC 5681 3.2 step 4).
      cc.cwnd += mss;
      return false;
    }
    if (this.duplicateAcks !== DUPLICATE_ACK_THRESHOLD) return false;
    // RFC 6582 3.2 step 2: only if the cumulative ACK covers more than `recover`; else these are echoes of old losses.
    if (!seqGt(una, this.recover)) return false;
    cc.onLoss(flight);
    cc.cwnd = cc.ssthresh + DUPLICATE_ACK_THRESHOLD * mss;
    this.recover = nxt;
    this.inRecovery = true;
    this.partialSeen = false;
    sent.markFirstLost(mss);
    return true;
  }

  /**
   * An ACK moved SND.UNA to `una` over `acked` bytes. Returns 'full' when it ends a recovery, 'partial' when it shows
   * the next hole, 'none' outside recovery.
   */
  onAck(
    una: Seq,
    acked: number,
    flight: number,
    mss: number,
    sent: SentQueue,
    cc: CongestionControl,
  ): 'none' | 'partial' | 'full' {
    this.duplicateAcks = 0;
    if (!this.inRecovery) return 'none';
    if (seqGeq(una, this.recover)) {
      // RFC 6582 3.2 step 3, the choice that avoids a burst.
      cc.cwnd = Math.min(cc.ssthresh, Math.max(flight, mss) + mss);
      this.inRecovery = false;
      return 'full';
    }
    this.partialSeen = true;
    sent.markFirstLost(mss);
    cc.cwnd = Math.max(cc.cwnd - acked, 0) + (acked >= mss ? mss : 0);
    return 'partial';
  }

  onTimeout(nxt: Seq): void {
    this.inRecovery = false;
    this.duplicateAcks = 0;
    this.recover = nxt;
  }

  /** RFC 3042: on the first two duplicates one new segment each may go, beyond cwnd. */
  limitedTransmit(mss: number): number {
    return this.inRecovery ? 0 : Math.min(this.duplicateAcks, DUPLICATE_ACK_THRESHOLD - 1) * mss;
  }
}
