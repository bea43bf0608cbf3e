/**
 * BBR's measurements of the bandwidth: the largest delivery rate of the last ten round trips (or a
 * policer's rate), the size of ACK bursts, and whether STARTUP has filled the path. Bandwidth is in
 * segments per microsecond.
 */
import type { Segments } from '../../base/units.js';
import type { AckSample } from './ack-sample.js';
import { AckAggregation } from './bbr-aggregation.js';
import { PolicerDetector } from './bbr-policer.js';
import { RoundMax } from './round-max.js';

/**
 * One cycle of PROBE_BW and two rounds more, so that the maximum outlives the phases that do not
 * probe.
 */
const BANDWIDTH_ROUNDS = 10;
/** The path is full if bandwidth grew by less than a quarter in three round trips. */
const FULL_GROWTH = 1.25;
const FULL_ROUNDS = 3;

export class BbrPath {
  /** This ACK begins a round trip. */
  roundStart = false;
  /** STARTUP has found the full bandwidth. */
  isFull = false;
  readonly aggregation = new AckAggregation();
  private readonly max = new RoundMax(BANDWIDTH_ROUNDS);
  private readonly policer = new PolicerDetector();
  /**
   * A round trip ends when a segment is delivered that was sent at or after this delivery count.
   */
  private nextRoundDelivered: Segments = 0;
  private roundCount = 0;
  private fullBandwidth = 0;
  private fullRounds = 0;
  /**
   * Samples of segments sent while the delivery count was in this range are limited by the small
   * window of PROBE_RTT.
   */
  private limitedFrom = Infinity;
  private limitedUntil = -1;

  /** The largest recent bandwidth. */
  get maxBandwidth(): number {
    return this.max.value;
  }

  /** The bandwidth to send at. */
  get bandwidth(): number {
    return this.policer.inUse ? this.policer.bandwidth : this.max.value;
  }

  get isPoliced(): boolean {
    return this.policer.inUse;
  }

  /** True if a policer's rate was used long enough, so that PROBE_BW must restart. */
  onAck(s: AckSample, cwnd: Segments, cruising: boolean): boolean {
    this.policer.lost += s.lost;
    this.roundStart = false;
    if (s.rateDelivered < 0 || s.interval <= 0) return false;
    if (s.priorDelivered >= this.nextRoundDelivered) {
      this.beginRound(s.delivered);
      this.roundCount++;
      this.roundStart = true;
    }
    const probeAnew = this.policer.onAck(s, this.roundStart, cruising);
    const bandwidth = s.rateDelivered / s.interval;
    const limited =
      s.appLimited ||
      (s.priorDelivered >= this.limitedFrom && s.priorDelivered <= this.limitedUntil);
    // A sample limited by the sender counts only if it is at least the maximum.
    if (!limited || bandwidth >= this.max.value) this.max.note(bandwidth, this.roundCount);
    if (s.acked > 0) this.aggregation.onAck(s.acked, this.bandwidth, cwnd, this.roundStart, s.now);
    if (!this.isFull && this.roundStart && !limited) this.judgeGrowth();
    return probeAnew;
  }

  private judgeGrowth(): void {
    if (this.max.value >= this.fullBandwidth * FULL_GROWTH) {
      this.judgeAnew();
      this.fullBandwidth = this.max.value;
      return;
    }
    this.isFull = ++this.fullRounds >= FULL_ROUNDS;
  }

  /**
   * Restarts the search for a full path: bandwidth grew, or a timeout or a spurious recovery slowed
   * its growth down.
   */
  judgeAnew(): void {
    this.fullBandwidth = 0;
    this.fullRounds = 0;
  }

  forgetPolicer(): void {
    this.policer.reset(null);
  }

  beginRound(delivered: Segments): void {
    this.nextRoundDelivered = delivered;
  }

  beginProbeRtt(s: AckSample): void {
    this.limitedFrom = s.delivered;
  }

  /** The segments in flight now were sent in PROBE_RTT. */
  inProbeRtt(s: AckSample): void {
    this.limitedUntil = s.delivered + s.inFlight;
  }
}
