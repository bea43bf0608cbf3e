/**
 * RACK detects losses by time (RFC 8985 section 6). A segment is lost if a segment sent later was
 * delivered, and if it was sent longer ago than a round-trip time plus a margin for reordering.
 *
 *     sent     ──1──2──3──4──5────────────────────▶ time
 *     SACKed            4: rack.sentAt is 4's time. 1, 2 and 3 are lost, each once
 *                          rack.rtt + reoWnd has passed since it was sent
 *
 * The margin (reoWnd) adapts. It is 0 while no reordering was seen and there is other evidence of
 * loss, otherwise a quarter of the smallest round-trip time. It is widened at most once per round
 * trip if a D-SACK reports a needless retransmission (section 6.2 step 4).
 */
import { type Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { Segments } from '../../base/units.js';
import { sentAfter, type SentQueue, type SentSegment } from '../send/sent-queue.js';

/**
 * Section 6.2 step 4: number of recoveries without a D-SACK for which the widened margin is kept.
 */
const REO_WND_PERSIST = 16;
const MAX_REO_WND_STEPS = 255;

export class Rack {
  /**
   * The delivered segment that was sent last: RACK.xmit_ts and RACK.end_seq. `rtt`: the latest
   * round-trip time, in microseconds.
   */
  sentAt: Micros = 0;
  end: Seq = 0;
  rtt: Micros = 0;
  /** A segment was delivered since losses were last detected. */
  advanced = false;
  /** Multiples of a quarter of the smallest round trip. */
  reoWndSteps = 1;
  /** A D-SACK was received, and the margin is not yet widened for it. */
  dsackSeen = false;
  private persist = 0;
  /**
   * `delivered` when the margin was last widened, because it is widened at most once per round
   * trip.
   */
  private lastDelivered: Segments = 0;

  /**
   * Section 6.2 step 2: `record` was delivered. If the ACK of a retransmitted segment may be for
   * its first transmission, it is ignored.
   */
  advance(record: SentSegment, minRtt: Micros, now: Micros): void {
    const rtt = now - record.sentAt;
    if (rtt < minRtt && record.retransmissions > 0) return;
    this.advanced = true;
    this.rtt = rtt;
    if (sentAfter(record.sentAt, record.end, this.sentAt, this.end)) {
      this.sentAt = record.sentAt;
      this.end = record.end;
    }
  }

  /**
   * Section 6.2 step 4: the margin. `evidence`: other signs show that segments are lost.
   * `reordered`: reordering was seen on this connection.
   */
  reoWnd(reordered: boolean, evidence: boolean, minRtt: Micros, srtt: Micros): Micros {
    if (!reordered && evidence) return 0;
    // Before the first RTT sample the margin is 0.
    return minRtt === Infinity ? 0 : Math.min((minRtt / 4) * this.reoWndSteps, srtt);
  }

  /**
   * Section 6.2 step 4: adapts the margin after an ACK. `priorDelivered`: the delivery count when
   * the delivered segments were sent. A round trip has passed once it reaches the count of the last
   * change.
   */
  updateReoWnd(priorDelivered: number, delivered: number): void {
    // This ACK delivered nothing: a D-SACK usually comes alone, and takes effect with the next ACK.
    if (priorDelivered === 0) return;
    if (priorDelivered < this.lastDelivered) this.dsackSeen = false;
    if (this.dsackSeen) {
      this.reoWndSteps = Math.min(this.reoWndSteps + 1, MAX_REO_WND_STEPS);
      this.dsackSeen = false;
      this.lastDelivered = delivered;
      this.persist = REO_WND_PERSIST;
    } else if (this.persist === 0) {
      this.reoWndSteps = 1;
    }
  }

  /** A reduction was undone because of D-SACKs, so the margin is kept for one more recovery. */
  keepMargin(): void {
    this.persist = Math.min(this.persist + 1, REO_WND_PERSIST);
  }

  /** Recovery or Loss ended. */
  recovered(): void {
    if (this.persist > 0) this.persist--;
  }

  /**
   * Section 6.2 step 5: marks overdue segments lost. Returns the time in microseconds until all
   * other segments sent before the newest delivered one are overdue; 0 if there are none.
   */
  detectLoss(sent: SentQueue, reoWnd: Micros, now: Micros): Micros {
    let wait = 0;
    for (let r = sent.oldest; r !== null;) {
      const next = r.newer;
      if (!sentAfter(this.sentAt, this.end, r.sentAt, r.end)) break;
      const remaining = this.rtt + reoWnd - (now - r.sentAt);
      if (remaining <= 0) sent.markLost(r);
      else wait = Math.max(wait, remaining);
      r = next;
    }
    return wait;
  }

  /**
   * True if `record` was sent so long ago that it is lost. Used when the retransmission timer
   * expired (section 6.3).
   */
  isOverdue(record: SentSegment, reoWnd: Micros, now: Micros): boolean {
    return this.rtt + reoWnd - (now - record.sentAt) <= 0;
  }
}
