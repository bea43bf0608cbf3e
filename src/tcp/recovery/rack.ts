/**
 * RACK: loss is a matter of time (RFC 8985 section 6). When something was delivered that had been
 * sent later than a segment still missing, and longer ago than a round trip and a margin for
 * reordering, that segment is lost.
 *
 *     sent     ──1──2──3──4──5────────────────────▶ time
 *     SACKed            4: rack.sentAt is 4's time. 1, 2 and 3 are lost, each once
 *                          rack.rtt + reoWnd has passed since it was sent
 *
 * The margin (reoWnd) adapts: none while no reordering was ever seen and there is other evidence of
 * loss, a quarter of the smallest round trip after that, and more for each round trip in which a
 * D-SACK says that a retransmission was needless (section 6.2 step 4).
 */
import { type Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { Segments } from '../../base/units.js';
import { sentAfter, type SentQueue, type SentSegment } from '../send/sent-queue.js';

/** Section 6.2 step 4: the widened margin is kept for so many recoveries without a D-SACK. */
const REO_WND_PERSIST = 16;
const MAX_REO_WND_STEPS = 255;

export class Rack {
  /**
   * Of what was delivered, the segment sent last: RACK.xmit_ts, RACK.end_seq, and the round trip
   * that it made.
   */
  sentAt: Micros = 0;
  end: Seq = 0;
  rtt: Micros = 0;
  /** Something was delivered since losses were last looked for. */
  advanced = false;
  /** Multiples of a quarter of the smallest round trip. */
  reoWndSteps = 1;
  /** A D-SACK came that was not yet acted on. */
  dsackSeen = false;
  private persist = 0;
  /** `delivered` when the margin was last widened: at most once a round trip. */
  private lastDelivered: Segments = 0;

  /**
   * Section 6.2 step 2: `record` was delivered. An ACK that may be for the first transmission of
   * what was sent twice proves nothing.
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
   * Section 6.2 step 4. `evidence`: enough else says that segments are lost; `reordered`:
   * reordering was seen on this connection.
   */
  reoWnd(reordered: boolean, evidence: boolean, minRtt: Micros, srtt: Micros): Micros {
    if (!reordered && evidence) return 0;
    // Before the first sample there is no round trip to take a part of.
    return minRtt === Infinity ? 0 : Math.min((minRtt / 4) * this.reoWndSteps, srtt);
  }

  /**
   * `priorDelivered`: the delivery count when what this ACK delivered was sent; one round trip
   * passed when it reached the last change.
   */
  updateReoWnd(priorDelivered: number, delivered: number): void {
    // nothing was delivered by this ACK: a D-SACK most often comes alone, and waits for the next
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

  /** A reduction was undone because of D-SACKs: the margin is worth keeping. */
  keepMargin(): void {
    this.persist = Math.min(this.persist + 1, REO_WND_PERSIST);
  }

  /** A recovery is over. */
  recovered(): void {
    if (this.persist > 0) this.persist--;
  }

  /**
   * Section 6.2 step 5: marks what is lost by now. Returns after how many microseconds the rest of
   * what was sent before the newest delivered segment will be lost, 0 when there is none.
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
   * Is it long enough ago that `record` was sent for it to be lost? Asked when the retransmission
   * timer expired (section 6.3).
   */
  isOverdue(record: SentSegment, reoWnd: Micros, now: Micros): boolean {
    return this.rtt + reoWnd - (now - record.sentAt) <= 0;
  }
}
